// PNG, with all of its bits: through a canvas it would lose half of 16, and colour under a transparent alpha.
import { decode } from "fast-png";
import { crc32 } from "./crc.js";
import { PageError } from "./errors.js";
import { orientationIn } from "./orientation.js";
import { expanded, withoutAlpha, withoutKey } from "./transparency.js";

const SAMPLES = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }; // colour type ↦ samples a pixel
const INDEXED = 3;
const KEYED = [0, 2, INDEXED]; // colour types that may name a transparent colour
const HEADER = 13; // bytes
// Adam7: the first row and column of each pass, and the steps from there.
const PASSES = [[0, 0, 8, 8], [0, 4, 8, 8], [4, 0, 8, 4], [0, 2, 4, 4], [2, 0, 4, 2], [0, 1, 2, 2], [1, 0, 2, 1]];
const WHOLE = [[0, 0, 1, 1]];
const MUCH = 1 << 24; // bytes that a file may hold beyond its pixels

/**
 * A PNG that holds all that it claims, taken apart; what imexseg/data/read/whole.py refuses is refused.
 * @typedef {{width: number, height: number, depth: number, colour: number, interlaced: boolean, orientation: number,
 *   pictures: number, bytes: Uint8Array}} Png bytes: the file without what only other programs need
 * @param {Uint8Array} bytes
 * @param {string} name for messages
 * @param {(width: number, height: number) => void} checkSize throws if it is too large
 * @returns {Promise<Png>}
 * @throws {PageError}
 */
export async function readPng(bytes, name, checkSize) {
  const chunks = [...chunksOf(bytes)];
  const header = chunks[0]?.kind === "IHDR" && chunks[0].content;
  if (header?.length !== HEADER || chunks.at(-1).kind !== "IEND" || !areSound(chunks)) throw damaged(name);
  const view = new DataView(header.buffer, header.byteOffset, HEADER);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, colour, , , interlace] = header.subarray(8);
  checkSize(width, height);
  if (colour === INDEXED && !chunks.some(({ kind }) => kind === "PLTE")) throw damaged(name);
  await checkPixels(chunks, bytesNeeded(width, height, depth * (SAMPLES[colour] ?? 0), interlace), name);
  const kept = chunks.filter(({ kind }) => isNeeded(kind, colour)).map(({ whole }) => whole);
  const orientation = orientationOf(chunks, name);
  const content = joined([bytes.subarray(0, 8), ...kept]);
  const pictures = picturesIn(chunks);
  return { width, height, depth, colour, interlaced: interlace === 1, orientation, pictures, bytes: content };
}

/** @param {Png} png @returns {import("./decode.js").Pixels} as it is stored @throws {PageError} */
export function pngPixels({ width, height, depth, colour, bytes }, name) {
  let png;
  try {
    png = decode(bytes);
  } catch {
    throw damaged(name);
  }
  const { channels } = png;
  const stored = depth < 8 ? unpacked(png.data, width * channels, height, depth) : png.data;
  if (colour === INDEXED) return { width, height, white: 255, ...expanded(stored, png.palette) };
  const kept = channels < 3 ? 1 : 3;
  const stretch = depth < 8 ? 255 / (2 ** depth - 1) : 1;
  const key = Array.from(png.transparency ?? [], (value) => value & (2 ** depth - 1));
  const pixels = key.length
    ? withoutKey(stored, kept, key, stretch)
    : withoutAlpha(stretch === 1 ? stored : stored.map((value) => value * stretch), channels, kept);
  return { width, height, channels: kept, white: depth === 16 ? 65535 : 255, ...pixels };
}

const damaged = (name) => new PageError(`${name} is a PNG that is damaged or truncated. Copy or save it again.`);

function* chunksOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8, end; at + 12 <= bytes.length; at = end) {
    end = at + 12 + view.getUint32(at);
    if (end > bytes.length) return;
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    yield { kind, content: bytes.subarray(at + 8, end - 4), whole: bytes.subarray(at, end) };
    if (kind === "IEND") return;
  }
}

/** As Pillow, which overlooks the checksums of what follows the pixels and is none of them. */
function areSound(chunks) {
  const data = chunks.findIndex(({ kind }) => kind === "IDAT");
  return chunks.every(({ kind, whole }, i) => {
    if (i > data && /^[a-z]/.test(kind)) return true;
    if (!/^[A-Za-z]{4}$/.test(kind)) return false;
    const end = whole.length - 4;
    return crc32(whole.subarray(4, end)) === new DataView(whole.buffer, whole.byteOffset + end).getUint32(0);
  });
}

/** Colours that a file of true colours merely suggests, texts, profiles and the like would only be stumbled over. */
function isNeeded(kind, colour) {
  if (kind === "PLTE") return colour === INDEXED;
  if (kind === "tRNS") return KEYED.includes(colour);
  return ["IHDR", "IDAT", "IEND"].includes(kind);
}

/** Of all rows, unpacked: each begins with the number of its filter. */
function bytesNeeded(width, height, bits, interlace) {
  return (interlace ? PASSES : WHOLE).reduce((sum, [top, left, down, across]) => {
    const [rows, columns] = [Math.ceil((height - top) / down), Math.ceil((width - left) / across)];
    return rows > 0 && columns > 0 ? sum + rows * (1 + Math.ceil((columns * bits) / 8)) : sum;
  }, 0);
}

/** fast-png would take what is missing for black. @throws {PageError} */
async function checkPixels(chunks, needed, name) {
  const packed = new Blob(chunks.filter(({ kind }) => kind === "IDAT").map(({ content }) => content));
  const reader = packed.stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  let found = 0;
  try {
    for (let piece; !(piece = await reader.read()).done && found <= needed + MUCH; ) found += piece.value.length;
  } catch {
    throw damaged(name);
  }
  if (found < needed || found > needed + MUCH) throw damaged(name);
}

function orientationOf(chunks, name) {
  try {
    const exif = chunks.find(({ kind }) => kind === "eXIf");
    return exif ? orientationIn(exif.content) : 1;
  } catch {
    throw damaged(name);
  }
}

/** In an animated PNG, to whose film the picture of other readers may belong or not. */
function picturesIn(chunks) {
  const animation = chunks.find(({ kind }) => kind === "acTL")?.content;
  if (animation?.length !== 8) return 1;
  const isApart = chunks.find(({ kind }) => kind === "fcTL" || kind === "IDAT").kind === "IDAT";
  return new DataView(animation.buffer, animation.byteOffset).getUint32(0) + (isApart ? 1 : 0);
}

function joined(parts) {
  const result = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  parts.reduce((at, part) => (result.set(part, at), at + part.length), 0);
  return result;
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
