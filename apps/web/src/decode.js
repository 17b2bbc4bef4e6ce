// From the bytes of an image file to the numbers that stand in it, as imexseg/data/read/images.py reads them: upright,
// palettes expanded, alpha dropped, no colour management. What cannot be read so is refused.
import { PageError } from "./errors.js";
import { countPictures, riffChunks } from "./frames.js";
import { checkColours, checkEnd } from "./jpeg.js";
import { orientationIn, upright } from "./orientation.js";
import { pngPixels, readPng } from "./png.js";
import { withoutAlpha } from "./transparency.js";

export const LARGEST_IMAGE = 64e6; // pixels: what a canvas holds on every browser is not much more
const FORMATS = "PNG, JPEG, TIFF, WebP, GIF or BMP";
const EXIF = 0x45584946; // as four characters
const BEGINS = {
  png: /^\x89PNG\r\n\x1a\n/,
  jpeg: /^\xff\xd8\xff/,
  webp: /^RIFF[^]{4}WEBP/,
  gif: /^GIF8[79]a/,
  bmp: /^BM/,
  tiff: /^(II\*\0|MM\0\*)/,
  bigtiff: /^(II\+\0|MM\0\+)/,
};

/**
 * Pixels in rows from the top, channels interleaved; white: the value that means it, 1 for floats.
 * void: 1 where a pixel is transparent and means nothing, null if none is.
 * pictures: that the file holds, if it is one; this is the first.
 * @typedef {{width: number, height: number, channels: number, white: 1 | 255 | 65535,
 *   data: Uint8Array | Uint16Array | Float32Array, void: Uint8Array | null, pictures?: number}} Pixels
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
  const begin = String.fromCharCode(...bytes.subarray(0, 12));
  const format = Object.keys(BEGINS).find((key) => BEGINS[key].test(begin));
  // A browser knows more formats; what it makes of them is not what `imexseg predict` reads, or refuses.
  if (!format) throw new PageError(`${name} is not an image that can be read. Use ${FORMATS}.`);
  if (format === "bigtiff") throw new PageError(`${name} is a BigTIFF, which this page does not read. Save it as plain TIFF or PNG.`);
  if (format === "tiff") {
    const { readTiff } = await import("./tiff.js");
    return readTiff(bytes, name, (width, height) => checkSize(width, height, name));
  }
  if (format === "png") return png(bytes, name);
  if (format === "jpeg") checkColours(bytes, name);
  const image = format === "webp" ? await webp(bytes, name) : await byBrowser(bytes, name);
  if (format === "jpeg") await checkEnd(bytes, image, (other) => byBrowser(other, name), name);
  return { ...image, pictures: countPictures(bytes, format) };
}

/** The pixels of a picture that the browser decoded; the bitmap is closed. */
export function bitmapPixels(bitmap, name) {
  const { width, height } = bitmap;
  try {
    checkSize(width, height, name);
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    const rgba = context.getImageData(0, 0, width, height).data;
    checkAlpha(rgba, name);
    return { width, height, channels: 3, white: 255, ...withoutAlpha(rgba, 4, 3) };
  } finally {
    bitmap.close();
  }
}

async function byBrowser(bytes, name) {
  let bitmap;
  try {
    // Upright by EXIF is the default.
    bitmap = await createImageBitmap(new Blob([bytes]), { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  } catch {
    throw new PageError(`${name} is not an image that a browser can read, or it is damaged. Use ${FORMATS}.`);
  }
  return bitmapPixels(bitmap, name);
}

async function png(bytes, name) {
  const read = await readPng(bytes, name, (width, height) => checkSize(width, height, name));
  // fast-png does not know how samples of less than a byte are interlaced. A canvas holds all of their bits.
  const image = read.interlaced && read.depth < 8 ? await byBrowser(read.bytes, name) : pngPixels(read, name);
  return { ...upright(image, read.orientation), pictures: read.pictures };
}

/** Some browsers turn a WebP by its EXIF data and some do not: none gets to see them. */
async function webp(bytes, name) {
  const hidden = bytes.slice();
  let orientation = 1;
  for (const { kind, start, length } of riffChunks(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength))) {
    if (kind !== EXIF) continue;
    hidden.fill(0x78, start - 8, start - 4); // "xxxx", a chunk that no reader knows
    try {
      orientation = orientationIn(bytes.subarray(start, start + length));
    } catch {
      throw new PageError(`${name} is damaged (its EXIF data cannot be read). Copy or save it again.`);
    }
  }
  return upright(await byBrowser(hidden, name), orientation);
}

function checkSize(width, height, name) {
  if (width * height > LARGEST_IMAGE) {
    throw new PageError(`${name} has ${width} × ${height} px; this page takes up to ${LARGEST_IMAGE / 1e6} million. Cut it.`);
  }
}

/** A canvas keeps colour times alpha: of what shines through it does not give the colour back. @throws {PageError} */
function checkAlpha(rgba, name) {
  for (let i = 3; i < rgba.length; i += 4) {
    if (rgba[i] !== 0 && rgba[i] !== 255) {
      throw new PageError(`${name} is partly translucent; of this format a browser gives no exact colours then. Save it as PNG.`);
    }
  }
}
