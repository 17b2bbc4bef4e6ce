// From the pixels of any image to the input of a network; the same arithmetic as imexseg/data/read/images.py (to_channels).
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
      result[i] = Math.floor((sum + 500) / 1000);
    }
  } else {
    throw new PageError(`This model takes images of ${channels} channels; this one has ${image.channels}.`);
  }
  return { ...image, channels, data: result };
}

/**
 * The numbers as the type that the network takes, white brought to its white.
 * @param {import("./decode.js").Pixels} image
 * @param {number} fullScale the value that means white to the network
 * @param {keyof SAMPLES} type
 * @returns {import("./decode.js").Pixels}
 */
export function toInput(image, fullScale, type) {
  const Samples = SAMPLES[type];
  if (image.white === fullScale && image.data instanceof Samples) return image;
  const factor = fullScale / image.white;
  const data = Samples.from(image.data, type === "float32" ? (v) => v * factor : (v) => Math.floor(v * factor + 0.5));
  return { ...image, white: fullScale, data };
}
