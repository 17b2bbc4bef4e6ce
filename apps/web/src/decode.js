// From the bytes of an image file to the numbers that stand in it, as imexseg/data/read/images.py reads them: upright,
// palettes expanded, alpha dropped, no colour management.
import { decode as decodePng, hasPngSignature } from "fast-png";
import { PageError } from "./errors.js";

export const LARGEST_IMAGE = 64e6; // pixels: what a canvas holds on every browser is not much more

/**
 * Pixels in rows from the top, channels interleaved.
 * @typedef {{width: number, height: number, channels: 1 | 3, white: 255 | 65535, data: Uint8Array | Uint16Array}} Pixels
 */

/**
 * @param {Blob} blob
 * @param {string} name for messages
 * @returns {Promise<Pixels>}
 * @throws {PageError} if it is not an image that can be read
 */
export async function decodeImage(blob, name) {
  if (blob.size === 0) throw new PageError(`${name} is empty (0 bytes).`);
  const bytes = new Uint8Array(await blob.arrayBuffer());
  // Through a canvas, a PNG would lose half of its 16 bits, and colour under a transparent alpha.
  if (hasPngSignature(bytes) && !hasOrientation(bytes)) return pngPixels(bytes, name);
  let bitmap;
  try {
    // Upright by EXIF is the default.
    bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  } catch {
    throw new PageError(`${name} is not an image that a browser can read, or it is damaged. Use PNG, JPEG, WebP, GIF or BMP.`);
  }
  return bitmapPixels(bitmap, name);
}

/** The pixels of a picture that the browser decoded; the bitmap is closed. */
export function bitmapPixels(bitmap, name) {
  const { width, height } = bitmap;
  try {
    checkSize(width, height, name);
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    const rgba = context.getImageData(0, 0, width, height).data;
    return { width, height, channels: 3, white: 255, data: withoutAlpha(rgba, 4, 3) };
  } finally {
    bitmap.close();
  }
}

/** @returns {Pixels} */
export function pngPixels(bytes, name) {
  const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length >= 24) checkSize(header.getUint32(16), header.getUint32(20), name);
  let png;
  try {
    png = decodePng(bytes);
  } catch {
    throw new PageError(`${name} is a PNG that is damaged or truncated. Copy or save it again.`);
  }
  const { width, height, depth, channels, palette } = png;
  const stored = depth < 8 ? unpacked(png.data, width * channels, height, depth) : png.data;
  if (palette) return { width, height, white: 255, ...expanded(stored, palette) };
  const data = withoutAlpha(stored, channels, channels < 3 ? 1 : 3);
  if (depth < 8) data.forEach((value, i) => (data[i] = (value * 255) / (2 ** depth - 1)));
  return { width, height, channels: channels < 3 ? 1 : 3, white: depth === 16 ? 65535 : 255, data };
}

function checkSize(width, height, name) {
  if (width * height > LARGEST_IMAGE) {
    throw new PageError(`${name} has ${width} × ${height} px; this page takes up to ${LARGEST_IMAGE / 1e6} million. Cut it.`);
  }
}

/** Samples of 1, 2 or 4 bits, most significant first, each row starting with a byte. */
function unpacked(data, perRow, rows, depth) {
  const bytesPerRow = Math.ceil((perRow * depth) / 8);
  if (data.length === perRow * rows && data.length !== bytesPerRow * rows) return data;
  const samples = new Uint8Array(perRow * rows);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < perRow; i++) {
      const bit = i * depth;
      const byte = data[row * bytesPerRow + (bit >> 3)];
      samples[row * perRow + i] = (byte >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
    }
  }
  return samples;
}

function expanded(indices, palette) {
  const grey = palette.every(([r, g, b]) => r === g && g === b);
  const channels = grey ? 1 : 3;
  const data = new Uint8Array(indices.length * channels);
  for (let i = 0; i < indices.length; i++) {
    for (let c = 0; c < channels; c++) data[i * channels + c] = palette[indices[i]]?.[c] ?? 0;
  }
  return { channels, data };
}

/** A transparent pixel means nothing: it takes the mean of the others, halves up, as in imexseg/data/read/void.py. */
function withoutAlpha(data, channels, kept) {
  const Samples = data instanceof Uint16Array ? Uint16Array : Uint8Array;
  if (channels === kept) return new Samples(data);
  const result = new Samples((data.length / channels) * kept);
  const sums = new Array(kept).fill(0);
  let sound = 0;
  for (let from = 0, to = 0; from < data.length; from += channels, to += kept) {
    const opaque = data[from + kept] > 0;
    for (let c = 0; c < kept; c++) {
      result[to + c] = data[from + c];
      if (opaque) sums[c] += data[from + c];
    }
    if (opaque) sound++;
  }
  if (sound === 0 || sound * channels === data.length) return result;
  const mean = sums.map((sum) => Math.floor((2 * sum + sound) / (2 * sound)));
  for (let from = kept, to = 0; from < data.length; from += channels, to += kept) {
    if (data[from] === 0) result.set(mean, to);
  }
  return result;
}

/** Whether a PNG says (chunk eXIf) that it may have to be turned: browsers know how. */
function hasOrientation(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    const type = view.getUint32(at + 4);
    if (type === 0x65584966) return true; // eXIf
    if (type === 0x49454e44) return false; // IEND
  }
  return false;
}
