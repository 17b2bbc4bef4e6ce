// Pixels that are transparent mean nothing: where they are, and what the network sees there instead, as in
// imexseg/data/read/void.py.
import { PageError } from "./errors.js";

/** Samples of `channels` a pixel, of which the first `kept` are no alpha. */
export function withoutAlpha(samples, channels, kept) {
  const Samples = samples instanceof Uint16Array ? Uint16Array : Uint8Array;
  if (channels === kept) return { data: new Samples(samples), void: null };
  const n = samples.length / channels;
  const data = new Samples(n * kept);
  const clear = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    for (let c = 0; c < kept; c++) data[i * kept + c] = samples[i * channels + c];
    clear[i] = samples[i * channels + kept] === 0 ? 1 : 0;
  }
  return filled(data, kept, clear);
}

/** Where the file calls one grey or colour transparent; its samples are stretched afterwards. */
export function withoutKey(samples, channels, key, stretch) {
  const clear = new Uint8Array(samples.length / channels);
  for (let i = 0; i < clear.length; i++) {
    clear[i] = key.every((value, c) => samples[i * channels + c] === value) ? 1 : 0;
  }
  return filled(stretch === 1 ? samples : samples.map((value) => value * stretch), channels, clear);
}

/** @param {Uint8Array} indices @param {number[][]} palette red, green, blue and, where there is any, alpha */
export function expanded(indices, palette) {
  const grey = palette.every(([r, g, b]) => r === g && g === b);
  const channels = grey ? 1 : 3;
  const data = new Uint8Array(indices.length * channels);
  const clear = new Uint8Array(indices.length);
  for (let i = 0; i < indices.length; i++) {
    const colour = palette[indices[i]] ?? [0, 0, 0];
    for (let c = 0; c < channels; c++) data[i * channels + c] = colour[c];
    clear[i] = colour[3] === 0 ? 1 : 0;
  }
  return { channels, ...filled(data, channels, clear) };
}

/** The mean of the others, of whole numbers rounded, halves up, in place of transparent pixels. @throws {PageError} if there are none */
export function filled(data, channels, clear) {
  const sums = new Array(channels).fill(0);
  let sound = 0;
  for (let i = 0; i < clear.length; i++) {
    if (clear[i]) continue;
    sound++;
    for (let c = 0; c < channels; c++) sums[c] += data[i * channels + c];
  }
  if (sound === clear.length) return { data, void: null };
  if (sound === 0) throw new PageError("Every pixel of this picture is transparent. Save it without transparency.");
  const isFloat = data instanceof Float32Array;
  const mean = sums.map((sum) => (isFloat ? sum / sound : Math.floor((2 * sum + sound) / (2 * sound))));
  for (let i = 0; i < clear.length; i++) if (clear[i]) data.set(mean, i * channels);
  return { data, void: clear };
}
