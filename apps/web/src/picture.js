// What is shown: the image, and the classes in their colours above it.
import { IGNORED } from "./numbers.js";

const STRIPES = [105, 165]; // greys, in which ignored pixels are shown: a plain one might be a class

/** The canvas shows the image, of many bands the first three; 16 bits are divided by 257 for the eye alone, floats stretched. */
export function paintImage(canvas, { width, height, channels, white, data }) {
  const rgba = new ImageData(width, height);
  const [black, factor] = data instanceof Float32Array ? stretch(data) : [0, 255 / white];
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) rgba.data[4 * i + c] = (data[i * channels + (channels >= 3 ? c : 0)] - black) * factor;
    rgba.data[4 * i + 3] = 255;
  }
  fit(canvas, width, height);
  canvas.getContext("2d").putImageData(rgba, 0, 0);
}

/** The canvas shows each class in its colour, nothing where it is not to be seen, and stripes where a pixel is ignored. */
export function paintClasses(canvas, classes, width, height, palette, visible) {
  const rgba = new ImageData(width, height);
  const colours = new Uint32Array(256);
  const bytes = new Uint8Array(colours.buffer);
  palette.forEach((colour, k) => bytes.set([...colour, visible[k] ? 255 : 0], 4 * k));
  const pixels = new Uint32Array(rgba.data.buffer);
  const stripe = Math.max(2, Math.floor(Math.max(width, height) / 64)); // as in imexseg/inference/write_picture.py
  const greys = new Uint32Array(Uint8Array.from(STRIPES.flatMap((grey) => [grey, grey, grey, 255])).buffer);
  for (let i = 0; i < pixels.length; i++) {
    const ignored = classes[i] === IGNORED;
    pixels[i] = ignored ? greys[Math.floor(((i % width) + Math.floor(i / width)) / stripe) % 2] : colours[classes[i]];
  }
  fit(canvas, width, height);
  canvas.getContext("2d").putImageData(rgba, 0, 0);
}

/** Numbers from 0 to 1 are shown as they are; others, heights for instance, from the lowest to the highest. */
function stretch(data) {
  let [lowest, highest] = [0, 1];
  for (const value of data) [lowest, highest] = [Math.min(lowest, value), Math.max(highest, value)];
  return [lowest, 255 / (highest - lowest)];
}

function fit(canvas, width, height) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}
