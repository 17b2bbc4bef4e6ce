// From the pixels of any image to the input of a network: the rule of imexseg/data/read/as_trained.py, held to it by
// tests/golden/pixels.json.
import { PageError } from "./errors.js";

/** The array for each type of number that a network may take. */
export const SAMPLES = { uint8: Uint8Array, uint16: Uint16Array, float32: Float32Array };
const LUMA = [299, 587, 114]; // thousandths of red, green and blue, ITU-R 601

/**
 * Grey is repeated, colour becomes luma, rounded to the nearest, halves up.
 * @param {import("./decode.js").Pixels} image
 * @param {number} channels of the network
 * @returns {import("./decode.js").Pixels}
 */
export function toChannels(image, channels) {
  if (image.channels === channels) return image;
  const { data } = image;
  const n = image.width * image.height;
  const result = new data.constructor(n * channels);
  if (image.channels === 1 && channels === 3) {
    for (let i = 0; i < n; i++) result.fill(data[i], 3 * i, 3 * i + 3);
  } else if (image.channels === 3 && channels === 1) {
    for (let i = 0; i < n; i++) {
      const sum = LUMA[0] * data[3 * i] + LUMA[1] * data[3 * i + 1] + LUMA[2] * data[3 * i + 2];
      result[i] = data instanceof Float32Array ? sum / 1000 : Math.floor((sum + 500) / 1000);
    }
  } else {
    throw new PageError(`This model takes images of ${channels} channels; this one has ${image.channels}.`);
  }
  return { ...image, channels, data: result };
}

const WHITE = { uint8: 255, uint16: 65535, float32: 1 };
const TWELVE_BITS = 4095; // an image of 16 bits whose values end here or below may hold 8, 10 or 12 bits
const DARKER = 8; // the image's highest value may be so many times lower than that of the training images

/**
 * The numbers as the network knows them: v · S / W, where S is its white and W that of the image, rounded to the nearest, halves
 * up. What would be a guess, or would not fit, is refused.
 * @param {import("./decode.js").Pixels} image
 * @param {{full_scale: number, pixel_range?: {dtype: string, lowest: number, highest: number} | null}} info
 * @param {keyof SAMPLES} type of the network's input, which is that of its training images
 * @param {number | null} white the value in the image that means white, if not by its type
 * @returns {import("./decode.js").Pixels & {remark: string}} remark: what was done, in words; empty if nothing
 * @throws {PageError}
 */
export function toInput(image, info, type, white = null) {
  const scale = info.full_scale;
  const stored = Object.keys(SAMPLES).find((name) => image.data instanceof SAMPLES[name]);
  const [lowest, highest] = extremes(image.data);
  const own = white ?? (stored === type ? scale : whiteOf(stored, lowest, highest));
  if (own !== scale || stored !== type) requireWhite(info);
  const [low, high] = [(lowest * scale) / own, (highest * scale) / own];
  if (type !== "float32" && !(low > -0.5 && high < WHITE[type] + 0.5)) {
    throw new PageError(`This picture holds ${lowest} to ${highest}, which does not fit what this model was trained on.`);
  }
  const remark = white === null && type !== "uint8" ? requireInside(info.pixel_range, low, high) : "";
  if (stored === type && own === scale) return { ...image, remark };
  const convert = type === "float32" ? (v) => (v * scale) / own : (v) => Math.floor((v * scale) / own + 0.5);
  const done = `${stored} with white at ${own} was brought to the ${type} with white at ${scale} of this model`;
  return { ...image, white: scale, data: SAMPLES[type].from(image.data, convert), remark: done };
}

/** @returns {[number, number]} @throws {PageError} for values that are no numbers */
function extremes(data) {
  let [lowest, highest] = [Infinity, -Infinity];
  for (const value of data) {
    if (!Number.isFinite(value)) throw new PageError("This picture has pixels that are not numbers.");
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  return [lowest, highest];
}

/** The white of an image that is not stored as the training images were. @throws {PageError} if its values leave it open */
function whiteOf(stored, lowest, highest) {
  if (stored === "uint16" && highest > 0 && highest <= TWELVE_BITS) {
    const bits = [8, 10, 12].find((n) => highest < 2 ** n);
    throw new PageError(
      `This picture is of 16 bits but holds no value above ${highest}, as one of ${bits} bits would: stretch it to 65535, or save it with 8 bits.`,
    );
  }
  if (stored === "float32" && !(lowest >= 0 && highest <= 1)) {
    throw new PageError(`This picture is floating point of ${lowest} to ${highest}, not 0 to 1: scale it.`);
  }
  return WHITE[stored];
}

/** @throws {PageError} if it is not known which value of the training images is white */
function requireWhite({ full_scale: scale, pixel_range: seen }) {
  if (!seen || seen.dtype === "uint8") return;
  const unlike = scale === WHITE.uint16 && seen.highest <= TWELVE_BITS;
  if (unlike || seen.highest > 2 * scale || seen.lowest < -0.01 * scale) {
    throw new PageError(
      `This model was trained on ${seen.dtype} of ${seen.lowest} to ${seen.highest} and does not say which value is white: give it a picture like those.`,
    );
  }
}

/** @returns {string} a remark on values somewhat outside of those that were trained on @throws {PageError} for others */
function requireInside(seen, lowest, highest) {
  if (!seen) return "";
  const span = seen.highest - seen.lowest;
  const beyond = highest > seen.highest + span || lowest < seen.lowest - span / 2;
  const dark = seen.lowest >= 0 && highest > 0 && DARKER * highest < seen.highest;
  if (beyond || dark) {
    throw new PageError(
      `This picture holds ${lowest} to ${highest}, but this model was trained on ${seen.lowest} to ${seen.highest}: scale it alike.`,
    );
  }
  const unlike = highest > seen.highest + span / 4 || lowest < seen.lowest - span / 4;
  return unlike ? `this picture holds ${lowest} to ${highest}, this model was trained on ${seen.lowest} to ${seen.highest}` : "";
}
