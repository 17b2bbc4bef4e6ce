// TIFF as imexseg/data/read reads it: the first page, upright, bands of 8 or 16 bits or of floats, what has no value ignored.
// Loaded when the first TIFF comes.
import { PageError } from "./errors.js";
import { upright } from "./orientation.js";
import { directoriesIn } from "./tiff-tags.js";
import { COMPRESSIONS, samplesOf } from "./tiff-pieces.js";
import { expanded, filled } from "./transparency.js";

const TAG = {
  kind: 254, width: 256, height: 257, bits: 258, compression: 259, colours: 262, fill: 266, text: 270, strips: 273, orientation: 274,
  samples: 277, rows: 278, stripBytes: 279, planes: 284, predictor: 317, palette: 320, tileWidth: 322, tileHeight: 323,
  tiles: 324, tileBytes: 325, extras: 338, format: 339, nodata: 42113,
}; // prettier-ignore
const [WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE] = [0, 1, 2, 3];
const [REDUCED, MASK] = [1, 4]; // bits of a page's kind
const [PREMULTIPLIED, ALPHA] = [1, 2]; // kinds of further samples
const FLOAT = 3;
const UNSIGNED = [1, 4]; // and unknown
const BEYOND_MEANING = 1e30; // as in imexseg/data/read/void.py
const MOST_SAMPLES = 2 ** 28;
const LARGEST_TILE = 2 ** 26; // pixels
const ARE_BANDS = /^\{"shape"|^ImageJ=|<OME/; // what programs write that store the bands of one image as pages

/**
 * @param {Uint8Array} bytes
 * @param {string} name for messages
 * @param {(width: number, height: number) => void} checkSize throws if it is too large
 * @returns {Promise<import("./decode.js").Pixels>}
 * @throws {PageError}
 */
export async function readTiff(bytes, name, checkSize) {
  try {
    const pages = directoriesIn(bytes);
    const layout = layoutOf(pages[0], pages.length, name);
    checkSize(layout.width, layout.height);
    const samples = await samplesOf(bytes, layout);
    const pictures = pages.filter((page) => !(page.number(TAG.kind, 0) & (REDUCED | MASK))).length;
    return { ...upright(withMeaning(samples, layout, pages[0]), layout.orientation), pictures: Math.max(1, pictures) };
  } catch (error) {
    if (error instanceof PageError) throw error;
    throw new PageError(`${name} is a TIFF that is damaged or truncated. Copy or save it again.`);
  }
}

/** @returns {import("./tiff-pieces.js").Layout & {colours: number, alpha: boolean}} @throws {PageError} for what is not read */
function layoutOf(page, pageCount, name) {
  const number = (tag, otherwise) => page.number(tag, otherwise);
  const [width, height, samples] = [number(TAG.width, 0), number(TAG.height, 0), number(TAG.samples, 1)];
  const bits = page.has(TAG.bits) ? page.numbers(TAG.bits) : [1];
  const colours = number(TAG.colours, BLACK_IS_ZERO);
  const format = number(TAG.format, 1);
  const extras = page.numbers(TAG.extras);
  const [compression, predictor] = [number(TAG.compression, 1), number(TAG.predictor, 1)];
  if (!width || !height || !samples) throw new RangeError("sides");
  const kind = [`${bits[0]}-bit`, { 2: "signed", [FLOAT]: "float" }[format]].filter(Boolean).join(" ");
  const refuse = (what) => {
    throw new PageError(`${name} is a TIFF ${what}, which this page does not read. Save it as PNG, of 8 or 16 bits.`);
  };
  if (pageCount > 1 && samples === 1 && ARE_BANDS.test(page.text(TAG.text))) refuse("whose pages are bands of one image");
  if (!COMPRESSIONS.includes(compression)) refuse(`compressed by method ${compression}`);
  if (predictor > 2 || (predictor === 2 && ![8, 16].includes(bits[0]))) refuse(`with predictor ${predictor} of ${kind} numbers`);
  if (number(TAG.fill, 1) !== 1) refuse("with its bits in reverse order");
  if (colours > PALETTE) refuse("in the colours of print or film");
  const isFloat = format === FLOAT && bits[0] === 32;
  const isWhole = UNSIGNED.includes(format) && (bits[0] === 8 || bits[0] === 16 || (bits[0] === 1 && samples === 1));
  if (!(isFloat || isWhole) || bits.some((b) => b !== bits[0])) refuse(`of ${kind} numbers`);
  if (extras.includes(PREMULTIPLIED)) refuse("whose colours are multiplied with their transparency");
  const alpha = extras.at(-1) === ALPHA || (colours === RGB && samples === 4 && !extras.length);
  const bands = samples - (alpha ? 1 : 0);
  if (extras.slice(0, -1).includes(ALPHA)) refuse("with more than one transparency");
  if (alpha && bands !== (colours === RGB ? 3 : 1)) refuse(`of ${bands} bands with transparency`);
  if (alpha && bits[0] === 16 && bands === 1) refuse("of 16-bit grey with transparency");
  if (colours === WHITE_IS_ZERO && (bits[0] > 8 || bands > 1)) refuse(`of ${kind} numbers in which 0 is white`);
  if (colours === PALETTE && (bits[0] !== 8 || samples > 1)) refuse(`of ${kind} numbers with a palette`);
  if (colours === RGB && bands < 3) throw new RangeError("colours");
  if (width * height * samples > MOST_SAMPLES) refuse(`of ${width} × ${height} px in ${bands} bands`);
  const tiled = page.has(TAG.tiles);
  if (tiled && number(TAG.tileWidth, 0) * number(TAG.tileHeight, 0) > LARGEST_TILE) throw new RangeError("tile");
  const isPlain = bands === (colours === RGB ? 3 : 1); // Python turns no others
  const turn = isPlain ? number(TAG.orientation, 1) : 1;
  return {
    width, height, bits: bits[0], samples, format: isFloat ? FLOAT : 1, colours, alpha, compression, predictor, tiled,
    orientation: turn >= 1 && turn <= 8 ? turn : 1,
    planar: samples > 1 && number(TAG.planes, 1) === 2,
    pieceWidth: tiled ? number(TAG.tileWidth) : width,
    pieceHeight: tiled ? number(TAG.tileHeight) : Math.min(number(TAG.rows, height), height),
    offsets: page.numbers(tiled ? TAG.tiles : TAG.strips),
    counts: page.numbers(tiled ? TAG.tileBytes : TAG.stripBytes),
    little: page.little,
  }; // prettier-ignore
}

/** From the samples as they are stored to pixels. */
function withMeaning(samples, layout, page) {
  const { width, height, colours, bits } = layout;
  const size = { width, height };
  if (colours === PALETTE) {
    const stored = page.numbers(TAG.palette);
    if (stored.length !== 768) throw new RangeError("palette");
    const [red, green, blue] = [0, 256, 512].map((at) => stored.slice(at, at + 256).map((value) => value >> 8));
    return { ...size, white: 255, ...expanded(samples, red.map((value, i) => [value, green[i], blue[i]])) };
  }
  const channels = layout.samples - (layout.alpha ? 1 : 0);
  const { data, clear } = layout.alpha ? withoutLast(samples, channels) : { data: samples, clear: new Uint8Array(width * height) };
  if (bits === 1) for (let i = 0; i < data.length; i++) data[i] *= 255;
  if (colours === WHITE_IS_ZERO) for (let i = 0; i < data.length; i++) data[i] = 255 - data[i];
  markMeaningless(data, channels, page.has(TAG.nodata) ? page.text(TAG.nodata).trim() : "", clear);
  const white = data instanceof Float32Array ? 1 : bits === 16 ? 65535 : 255;
  return { ...size, white, channels, ...filled(data, channels, clear) };
}

function withoutLast(samples, channels) {
  const n = samples.length / (channels + 1);
  const data = new samples.constructor(n * channels);
  const clear = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    for (let c = 0; c < channels; c++) data[i * channels + c] = samples[i * (channels + 1) + c];
    clear[i] = samples[i * (channels + 1) + channels] === 0 ? 1 : 0;
  }
  return { data, clear };
}

/**
 * Where no value was measured. A pixel of floats has none if any of its channels has none; one of whole numbers, whose nodata value may
 * well be a colour, only if no channel has one.
 */
function markMeaningless(data, channels, nodata, clear) {
  const isFloat = data instanceof Float32Array;
  const none = nodata === "" ? NaN : isFloat ? Math.fround(Number(nodata)) : Number(nodata);
  if (!isFloat && Number.isNaN(none)) return;
  const isNone = isFloat ? (value) => !(Math.abs(value) < BEYOND_MEANING) || value === none : (value) => value === none;
  for (let i = 0; i < clear.length; i++) {
    let count = 0;
    for (let c = 0; c < channels; c++) if (isNone(data[i * channels + c])) count++;
    if (isFloat ? count > 0 : count === channels) clear[i] = 1;
  }
}
