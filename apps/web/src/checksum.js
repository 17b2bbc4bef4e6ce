// The checksum that an exported network holds, as imexseg/models/checksum.py writes it: SHA-256 of the whole file with the
// digits themselves set to "0".
import { PageError } from "./errors.js";

const MARK = "imexseg-sha256:";
const DIGITS = 64;

/**
 * @param {Uint8Array} file the whole file; as it was once the promise is kept
 * @param {string} name for messages
 * @returns {Promise<string | null>} the checksum as it stands in the metadata; null if there is none
 * @throws {PageError} if the file does not fit it
 */
export async function checkedSeal(file, name) {
  const found = [...sealsIn(file)];
  if (!found.length) return null;
  if (!globalThis.crypto?.subtle) {
    throw new PageError(`The checksum of ${name} can be verified on a page from https or localhost only. Open this page there.`);
  }
  const start = found[0] + MARK.length;
  const digits = file.slice(start, start + DIGITS);
  file.fill("0".charCodeAt(0), start, start + DIGITS);
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", file));
  file.set(digits, start);
  const expected = Array.from(sum, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (found.length > 1 || text(digits) !== expected) {
    throw new PageError(`${name} is damaged: its checksum does not match. Copy or download it again.`);
  }
  return MARK + expected;
}

function* sealsIn(file) {
  const length = MARK.length + DIGITS;
  const first = MARK.charCodeAt(0);
  for (let at = file.indexOf(first); at >= 0; at = file.indexOf(first, at + 1)) {
    const candidate = file.subarray(at, at + length);
    if (candidate[1] === MARK.charCodeAt(1) && candidate.length === length && SEAL.test(text(candidate))) yield at;
  }
}

const SEAL = new RegExp(`^${MARK}[0-9a-f]{${DIGITS}}$`);
const text = (bytes) => String.fromCharCode(...bytes);
