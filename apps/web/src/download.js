// The mask as a file: PNG with one channel of class numbers, as imexseg reads and writes them.
import { encode } from "fast-png";

/**
 * @param {Uint8Array} classes of every pixel
 * @param {number[]} values the number that stands for each class in the masks of the person who trained the network
 * @returns {Blob}
 */
export function maskFile(classes, values, width, height) {
  let ignored = 255; // what stands for a transparent pixel: the largest number that stands for no class
  while (values.includes(ignored)) ignored--;
  const png = encode({ width, height, data: classes.map((k) => values[k] ?? ignored), depth: 8, channels: 1 });
  return new Blob([png], { type: "image/png" });
}

export function save(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000); // ms: Safari reads it after the click has returned
}
