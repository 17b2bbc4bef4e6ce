// What imexseg writes into an .onnx file beside the network. onnxruntime-web does not hand metadata out, so this walks
// the protocol buffer itself: https://protobuf.dev/programming-guides/encoding and onnx.proto (ModelProto).
import { PageError } from "./errors.js";

const KEY = "imexseg";
const MODEL_GRAPH = 7;
const MODEL_METADATA_PROPS = 14;
const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 };

/**
 * The metadata of an exported network.
 * @param {Uint8Array} file the whole .onnx file
 * @param {string} name for messages
 * @throws {PageError} saying what is wrong with the file, and the remedy
 */
export function readModelInfo(file, name) {
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
  return checked(text, name);
}

function checked(text, name) {
  let info;
  try {
    info = JSON.parse(text);
  } catch {
    throw new PageError(`${name}: its imexseg metadata is not valid JSON. Export it again.`);
  }
  if (info?.format !== 1 && info?.format !== 2) {
    throw new PageError(`${name} has metadata of format ${info?.format}; this page reads formats 1 and 2. Get a newer page.`);
  }
  const size = (value) => value === null || (isList(value, 2) && value.every((n) => Number.isInteger(n) && n > 0));
  const problems = {
    names: isList(info.names) && info.names.length >= 2 && info.names.length <= 254 && info.names.every((n) => typeof n === "string"),
    palette: isList(info.palette, info.names?.length) && info.palette.every((c) => isList(c, 3) && c.every(isByte)),
    in_channels: Number.isInteger(info.in_channels) && info.in_channels > 0,
    values: isList(info.values ?? []) && info.values !== null && isNumbering(info.values ?? [], info.names),
    full_scale: Number.isFinite(info.full_scale) && info.full_scale > 0,
    pixel_range: isRange(info.pixel_range ?? null),
    size: size(info.size ?? null),
    minimum_size: size(info.minimum_size ?? null),
  };
  const wrong = Object.keys(problems).find((key) => !problems[key]);
  if (wrong) throw new PageError(`${name}: “${wrong}” in its imexseg metadata does not fit. Export it again.`);
  return { ...info, values: info.values?.length ? info.values : info.names.map((_, k) => k) };
}

const isList = (value, length) => Array.isArray(value) && (length === undefined || value.length === length);
const isNumbering = (values, names) =>
  !values.length || (values.length === names?.length && values.every(isByte) && new Set(values).size === values.length);
const isRange = (value) =>
  value === null ||
  (["uint8", "uint16", "float32"].includes(value?.dtype) && Number.isFinite(value.lowest) && Number.isFinite(value.highest));
const isByte = (value) => Number.isInteger(value) && value >= 0 && value <= 255;

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
