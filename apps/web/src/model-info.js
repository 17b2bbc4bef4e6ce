// The metadata of an exported network, held to what imexseg/models/prediction_info.py demands of them.
import { PageError } from "./errors.js";

const FORMAT = 2;
const FIRST_WITH_CHECKSUM = 2;
const LARGEST_TEXT = 2 ** 24; // characters of JSON
const LARGEST_SIDE = 2 ** 20; // pixels
const LARGEST_NUMBER = 2 ** 40; // of parameters, and of pixels seen
const STRING_OR_ODD_NUMBER = /"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g;

const isInteger = (lowest, highest) => (value) => Number.isInteger(value) && value >= lowest && value <= highest;
const isText = (longest) => (value) => typeof value === "string" && [...value].length <= longest;
const isList = (value, length) => Array.isArray(value) && (length === undefined || value.length === length);
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const [isByte, isSide, isNumber] = [isInteger(0, 255), isInteger(1, LARGEST_SIDE), isInteger(0, LARGEST_NUMBER)];
const isSize = (value) => isList(value, 2) && value.every(isSide);
const orNull = (check) => (value) => value === null || check(value);
const areDifferent = (values) => new Set(values).size === values.length;
const DTYPES = ["uint8", "uint16", "float32"];
const isRange = (value) =>
  isObject(value) &&
  Object.keys(value).length === 3 &&
  DTYPES.includes(value.dtype) &&
  [value.lowest, value.highest].every(Number.isFinite);

const REQUIRED = {
  format: isInteger(1, FORMAT),
  model: isText(1000),
  names: (value) => isList(value) && value.length >= 2 && value.length <= 254 && value.every(isText(1000)),
  palette: (value, { names }) => isList(value, names?.length) && value.every((c) => isList(c, 3) && c.every(isByte)),
  full_scale: (value) => Number.isFinite(value) && value > 0,
  version: isText(100),
  in_channels: isInteger(1, 1024),
  parameters: isNumber,
  seen_radius: isNumber,
};
const OPTIONAL = {
  values: (value, { names }) =>
    isList(value) && (!value.length || (value.length === names?.length && value.every(isByte) && areDifferent(value))),
  pixel_range: orNull(isRange),
  temperature: orNull((value) => Number.isFinite(value) && value > 0),
  size: orNull(isSize),
  minimum_size: isSize,
  long_side: orNull(isSide),
  precision: isText(100),
  licence: isText(10_000),
  metrics: isObject,
  data: isObject,
  augmentation: orNull((value) => typeof value === "string"),
  core: (value) => value === null, // of the layers alone, which this page cannot run
};

/**
 * @param {string} text JSON
 * @param {string} name of the file, for messages
 * @param {string | null} seal the checksum that the file holds and fits
 * @throws {PageError} naming what does not fit
 */
export function checkedInfo(text, name, seal) {
  let info;
  try {
    if (text.length > LARGEST_TEXT) throw new RangeError("too long");
    // Python writes NaN and Infinity into JSON, which knows neither; scores alone may be such numbers.
    info = JSON.parse(text.replace(STRING_OR_ODD_NUMBER, (part) => (part[0] === '"' ? part : "1e999")));
  } catch {
    throw new PageError(`${name}: its imexseg metadata is not valid JSON. Export it again.`);
  }
  if (!isInteger(1, FORMAT)(info?.format)) {
    throw new PageError(`${name} has metadata of format ${info?.format}; this page reads formats 1 and 2. Get a newer page.`);
  }
  if (isObject(info.core)) {
    throw new PageError(`${name} holds the layers of a network alone. Export it again, without --core.`);
  }
  const { checksum, ...rest } = info;
  if ((checksum ?? null) !== seal || (seal === null && info.format >= FIRST_WITH_CHECKSUM)) {
    throw new PageError(`${name} is damaged: its checksum is missing. Copy or download it again.`);
  }
  const missing = Object.keys(REQUIRED).filter((key) => !Object.hasOwn(rest, key));
  const wrong = Object.keys(rest).filter((key) => {
    const check = Object.hasOwn(REQUIRED, key) ? REQUIRED[key] : Object.hasOwn(OPTIONAL, key) && OPTIONAL[key];
    return !check || !check(rest[key], rest);
  });
  const [problem] = [...missing, ...wrong];
  if (problem !== undefined) {
    const shown = problem.slice(0, 40);
    throw new PageError(`${name}: “${shown}” in its imexseg metadata does not fit. Export it again, or get a newer page.`);
  }
  return { ...rest, values: rest.values?.length ? rest.values : rest.names.map((_, k) => k) };
}

/** The type of the images that it was trained on; where it does not say it, the one whose white it has. */
export function trainedType({ pixel_range: seen, full_scale: white }) {
  return seen?.dtype ?? { 255: "uint8", 65535: "uint16" }[white] ?? "float32";
}
