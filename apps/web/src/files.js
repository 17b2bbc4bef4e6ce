// Files by dialog, by dropping them anywhere on the page, and pasted.

/** @param {(file: File) => void} use called with each file that comes in */
export function onFiles({ imageInput, modelInput, dropHint }, use) {
  for (const input of [imageInput, modelInput]) {
    input.onchange = () => {
      const [file] = input.files;
      input.value = ""; // the same file may be chosen again
      if (file) use(file);
    };
  }

  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  let depth = 0; // dragenter and dragleave also come from every element inside
  addEventListener("dragenter", (event) => {
    if (carriesFiles(event) && ++depth) dropHint.hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (carriesFiles(event) && --depth <= 0) dropHint.hidden = true;
  });
  addEventListener("dragover", (event) => {
    if (carriesFiles(event)) event.preventDefault();
  });
  addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth = 0;
    dropHint.hidden = true;
    const [file] = event.dataTransfer.files;
    if (file) use(file);
  });
  addEventListener("paste", (event) => {
    const [file] = event.clipboardData?.files ?? [];
    if (file) use(file);
  });
}
