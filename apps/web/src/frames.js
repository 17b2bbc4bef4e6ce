// How many pictures a file holds: of a film the first is read, and that is said, as in imexseg/data/read/frames.py.

const ANMF = 0x414e4d46; // a frame, in a WebP
const [EXTENSION, IMAGE] = [0x21, 0x2c]; // blocks of a GIF
const [COLOURS, IMAGE_HEADER] = [0x80, 10]; // the flag that says that a table of colours follows; bytes

/**
 * @param {Uint8Array} bytes of a file that was decoded
 * @param {string} format
 * @returns {number} of pictures; 1 for formats that hold no more
 */
export function countPictures(bytes, format) {
  if (format === "gif") return inGif(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (format === "webp") return Math.max(1, riffChunks(view).filter(({ kind }) => kind === ANMF).length);
  return 1;
}

/** In words, for the person at the page; empty where there is one picture. */
export const picturesInWords = (number) => (number > 1 ? `holds ${number} pictures, of which the first is read` : "");

/** @returns {{kind: number, start: number, length: number}[]} start: of the content, in bytes */
export function riffChunks(view) {
  const found = [];
  for (let at = 12; at + 8 <= view.byteLength; ) {
    const length = view.getUint32(at + 4, true);
    found.push({ kind: view.getUint32(at), start: at + 8, length });
    at += 8 + length + (length % 2);
  }
  return found;
}

function inGif(bytes) {
  const tableAfter = (flags) => (flags & COLOURS ? 3 * 2 ** ((flags & 7) + 1) : 0);
  let pictures = 0;
  let at = 13 + tableAfter(bytes[10]);
  while (bytes[at] === EXTENSION || bytes[at] === IMAGE) {
    if (bytes[at] === IMAGE) {
      pictures++;
      at += IMAGE_HEADER + tableAfter(bytes[at + 9]) + 1;
    } else {
      at += 2;
    }
    while (bytes[at] > 0) at += bytes[at] + 1; // pieces of data, up to an empty one
    at++;
  }
  return Math.max(1, pictures);
}
