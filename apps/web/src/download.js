/** Hand a file to the browser, which keeps it where it keeps downloads. */
export function save(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000); // ms: Safari reads it after the click has returned
}
