// The strips or tiles of a TIFF. The library that decodes them knows strips of one plane; tiles and planes are handed to it one at
// a time, each as a small picture of its own.
import { decode } from "tiff";

export const COMPRESSIONS = [1, 5, 8, 32946]; // none, LZW, and deflate under its two numbers
const [RAW, LZW] = [1, 5];
const LONG = 4; // type of a value
const MUCH = 1 << 20; // bytes that a piece may hold beyond its pixels
const ARRAYS = { 1: Uint8Array, 8: Uint8Array, 16: Uint16Array, 32: Float32Array };

/**
 * @typedef {{width: number, height: number, bits: 1 | 8 | 16 | 32, format: number, samples: number, planar: boolean, compression: number,
 *   predictor: number, pieceWidth: number, pieceHeight: number, tiled: boolean, offsets: number[], counts: number[],
 *   little: boolean}} Layout
 * @param {Uint8Array} bytes of the file
 * @param {Layout} layout
 * @returns {Promise<Uint8Array | Uint16Array | Float32Array>} samples interleaved; of one bit 0 or 1
 * @throws {Error} if pixels are missing
 */
export async function samplesOf(bytes, layout) {
  const { width, height, bits, samples, planar, pieceWidth, pieceHeight, tiled, offsets, counts } = layout;
  const [across, down] = [Math.ceil(width / pieceWidth), Math.ceil(height / pieceHeight)];
  const [planes, inPiece] = planar ? [samples, 1] : [1, samples];
  if (offsets.length < across * down * planes || counts.length < offsets.length) throw new RangeError("pieces");
  const result = new ARRAYS[bits](width * height * samples);
  for (let number = 0; number < across * down * planes; number++) {
    const plane = Math.floor(number / (across * down));
    const [row, column] = [Math.floor(number / across) % down, number % across];
    const [top, left] = [row * pieceHeight, column * pieceWidth];
    const rows = tiled ? pieceHeight : Math.min(pieceHeight, height - top);
    const end = offsets[number] + counts[number];
    if (counts[number] === 0 || end > bytes.length) throw new RangeError("piece");
    const piece = await decoded(bytes.subarray(offsets[number], end), rows, inPiece, layout);
    const shownWidth = Math.min(pieceWidth, width - left);
    for (let y = 0; y < Math.min(rows, height - top); y++) {
      const from = y * pieceWidth * inPiece;
      const to = ((top + y) * width + left) * samples + plane;
      if (inPiece === samples) result.set(piece.subarray(from, from + shownWidth * samples), to);
      else for (let x = 0; x < shownWidth; x++) result[to + x * samples] = piece[from + x];
    }
  }
  return result;
}

async function decoded(stored, rows, samples, layout) {
  const { bits, compression, pieceWidth } = layout;
  const needed = rows * Math.ceil((pieceWidth * samples * bits) / 8);
  const isPacked = compression !== RAW && compression !== LZW;
  const content = isPacked ? await inflated(stored, needed) : stored;
  if (compression !== LZW && content.length < needed) throw new RangeError("piece");
  const [{ data }] = decode(asPicture(content, rows, samples, isPacked ? { ...layout, compression: RAW } : layout));
  return data;
}

/** The browser verifies the checksum of what it unpacks. @throws {Error} if it is less than needed, or far more */
async function inflated(packed, needed) {
  const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  const result = new Uint8Array(needed);
  let found = 0;
  for (let piece; !(piece = await reader.read()).done; found += piece.value.length) {
    if (found > needed + MUCH) throw new RangeError("too much");
    result.set(piece.value.subarray(0, Math.max(0, needed - found)), Math.min(found, needed));
  }
  if (found < needed) throw new RangeError("piece");
  return result;
}

/** A TIFF of one strip. */
function asPicture(content, rows, samples, { pieceWidth, bits, format, compression, predictor, little }) {
  const tags = {
    256: pieceWidth,
    257: rows,
    258: bits,
    259: compression,
    262: 1, // black is zero: the numbers as they are
    273: 0, // where the pixels begin, which is not known yet
    277: samples,
    278: rows,
    279: content.length,
    317: predictor,
    339: format,
  };
  const entries = Object.entries(tags);
  const start = 8 + 2 + 12 * entries.length + 4;
  const bytes = new Uint8Array(start + content.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, little ? 0x4949 : 0x4d4d);
  view.setUint16(2, 42, little);
  view.setUint32(4, 8, little);
  view.setUint16(8, entries.length, little);
  for (const [i, [tag, value]] of entries.entries()) {
    const at = 10 + 12 * i;
    view.setUint16(at, Number(tag), little);
    view.setUint16(at + 2, LONG, little);
    view.setUint32(at + 4, 1, little);
    view.setUint32(at + 8, tag === "273" ? start : value, little);
  }
  bytes.set(content, start);
  return bytes;
}
