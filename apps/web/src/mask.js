// The mask as a file: PNG with one channel of numbers, as imexseg reads and writes them.
import { encode } from "fast-png";
import { inValues } from "./numbers.js";

/**
 * @param {Uint8Array} classes of every pixel
 * @param {number[]} values the number that stands for each class in the masks of the person who trained the network
 * @returns {Uint8Array} the file
 */
export function maskBytes(classes, values, width, height) {
  return encode({ width, height, data: inValues(classes, values), depth: 8, channels: 1 });
}

/** What a mask is called: that of a folder's picture with the folder. */
export const maskName = (name) => `${name.replace(/\.[^./]*$/, "")}_mask.png`;
