// The mask as a file: PNG with one channel of numbers, as imexseg reads and writes them.
import { encode } from "fast-png";
import { inValues } from "./numbers.js";

/**
 * @param {Uint8Array} classes of every pixel
 * @param {number[]} values the number that stands for each class in the masks of the person who trained the network
 * @returns {Blob}
 */
export function maskFile(classes, values, width, height) {
  const png = encode({ width, height, data: inValues(classes, values), depth: 8, channels: 1 });
  return new Blob([png], { type: "image/png" });
}

export function save(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000); // ms: Safari reads it after the click has returned
}
