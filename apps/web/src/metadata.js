// What imexseg writes into an .onnx file beside the network. onnxruntime-web does not hand metadata out, so this walks
// the protocol buffer itself: https://protobuf.dev/programming-guides/encoding and onnx.proto (ModelProto).
import { PageError } from "./errors.js";
import { checkedInfo } from "./model-info.js";

const KEY = "imexseg";
const MODEL_GRAPH = 7;
const MODEL_METADATA_PROPS = 14;
const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 };

/**
 * The metadata of an exported network.
 * @param {Uint8Array} file the whole .onnx file
 * @param {string} name for messages
 * @param {string | null} seal the checksum that the file holds and fits, null if it holds none
 * @throws {PageError} saying what is wrong with the file, and the remedy
 */
export function readModelInfo(file, name, seal) {
  let text;
  let hasGraph = false;
  try {
    for (const [field, value] of fields(file)) {
      if (field === MODEL_GRAPH) hasGraph = true;
      if (field === MODEL_METADATA_PROPS) {
        const [key, content] = stringPair(value);
        if (key === KEY) text = content;
      }
    }
  } catch {
    throw new PageError(`${name} is not an ONNX file, or it is damaged. Export one with “imexseg export”.`);
  }
  if (!hasGraph) throw new PageError(`${name} is not an ONNX file. Export one with “imexseg export”.`);
  if (text === undefined) {
    throw new PageError(`${name} is an ONNX file but not from imexseg: it has no class names. Export it with “imexseg export”.`);
  }
  return checkedInfo(text, name, seal);
}

/** The fields of one message: [number, value]; value is a Uint8Array for wire type 2 and undefined for numbers. */
function* fields(bytes) {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      if (at >= bytes.length || shift > 2 ** 63) throw new RangeError("varint");
      const byte = bytes[at++];
      value += (byte & 127) * shift; // not <<, which ends at 32 bits
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const [field, wire] = [Math.floor(tag / 8), tag % 8];
    if (field === 0) throw new RangeError("field number");
    let value;
    if (wire === WIRE.varint) varint();
    else if (wire === WIRE.fixed64) at += 8;
    else if (wire === WIRE.fixed32) at += 4;
    else if (wire === WIRE.bytes) {
      const length = varint();
      value = bytes.subarray(at, at + length);
      at += length;
    } else throw new RangeError("wire type");
    if (at > bytes.length) throw new RangeError("truncated");
    yield [field, value];
  }
}

/** A StringStringEntryProto: key = 1, value = 2. */
function stringPair(bytes) {
  const pair = ["", ""];
  for (const [field, value] of fields(bytes)) {
    if (value && (field === 1 || field === 2)) pair[field - 1] = new TextDecoder().decode(value);
  }
  return pair;
}
