// What browsers overlook in a JPEG.
import { PageError } from "./errors.js";

const END = [0xff, 0xd9];
const NOISE = 4096; // bytes
const NO_FRAME = [0xc4, 0xc8, 0xcc]; // markers among those of frame headers that are none

/** Inks become colours by rounding, which no two programs do alike. @throws {PageError} */
export function checkColours(bytes, name) {
  let at = 2;
  while (bytes[at] === 0xff) {
    const marker = bytes[at + 1];
    if (marker === 0xff) {
      at++; // filling
      continue;
    }
    if (marker === 0xda) return; // pixels
    if (marker >= 0xc0 && marker <= 0xcf && !NO_FRAME.includes(marker)) {
      if (bytes[at + 9] !== 4) return;
      throw new PageError(`${name} is a CMYK picture, made for print. Save it as RGB.`);
    }
    at += 2 + bytes[at + 2] * 256 + bytes[at + 3];
  }
}

/**
 * Decoders take what stands before the end mark for pixels only while they miss some: noise there must change nothing, as in
 * imexseg/data/read/whole.py.
 * @param {Uint8Array} bytes
 * @param {import("./decode.js").Pixels} image the same, decoded
 * @param {(bytes: Uint8Array) => Promise<import("./decode.js").Pixels>} decode
 * @throws {PageError}
 */
export async function checkEnd(bytes, image, decode, name) {
  let end = bytes.length - END.length;
  while (end > 0 && !END.every((byte, i) => bytes[end + i] === byte)) end--;
  // No 255, which begins a mark.
  const noise = Uint8Array.from({ length: NOISE }, (_, i) => (Math.imul(i + 1, 2654435761) >>> 24) % 255);
  const noisy = new Uint8Array(bytes.length + NOISE);
  noisy.set(bytes.subarray(0, end));
  noisy.set(noise, end);
  noisy.set(bytes.subarray(end), end + NOISE);
  const again = await decode(noisy).catch(() => null);
  if (again?.data.length === image.data.length && again.data.some((value, i) => value !== image.data[i])) {
    throw new PageError(`${name} ends early: pixels are missing. Copy or save it again.`);
  }
}
