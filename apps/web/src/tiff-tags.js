// What a TIFF says of itself: its directories of tags, read within the bounds of the file.
// https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf, section 2

const SIZES = { 1: 1, 2: 1, 3: 2, 4: 4, 6: 1, 7: 1 }; // type ↦ bytes: whole numbers and text; others say nothing that is needed
const MOST_DIRECTORIES = 10_000;

/** One page: its tags, each a list of numbers. */
export class Directory {
  /** @throws {RangeError} if it reaches beyond the file */
  constructor(view, little, at) {
    this.view = view;
    this.little = little;
    this.entries = new Map();
    const count = view.getUint16(at, little);
    for (let i = 0; i < count; i++) {
      const entry = at + 2 + 12 * i;
      const tag = view.getUint16(entry, little);
      if (!this.entries.has(tag)) this.entries.set(tag, entry);
    }
    this.next = view.getUint32(at + 2 + 12 * count, little);
  }

  has(tag) {
    return this.entries.has(tag);
  }

  /** @returns {number[]} empty where there is no such tag @throws {RangeError} if it reaches beyond the file */
  numbers(tag) {
    const entry = this.entries.get(tag);
    if (entry === undefined) return [];
    const { view, little } = this;
    const size = SIZES[view.getUint16(entry + 2, little)] ?? 0;
    const count = size && view.getUint32(entry + 4, little);
    const at = size * count <= 4 ? entry + 8 : view.getUint32(entry + 8, little);
    if (at + size * count > view.byteLength) throw new RangeError("tag");
    const read = { 1: view.getUint8, 2: view.getUint16, 4: view.getUint32 }[size];
    return Array.from({ length: count }, (_, i) => read.call(view, at + size * i, little));
  }

  number(tag, otherwise) {
    return this.numbers(tag)[0] ?? otherwise;
  }

  text(tag) {
    return new TextDecoder("latin1").decode(Uint8Array.from(this.numbers(tag))).replace(/\0[^]*/, "");
  }
}

/** @param {Uint8Array} bytes of a TIFF @returns {Directory[]} @throws {RangeError} if they reach beyond the file, or lead in a circle */
export function directoriesIn(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = view.getUint8(0) === 0x49;
  const found = [];
  for (let at = view.getUint32(4, little); at; at = found.at(-1).next) {
    if (found.length === MOST_DIRECTORIES) throw new RangeError("directories");
    found.push(new Directory(view, little, at));
  }
  return found;
}
