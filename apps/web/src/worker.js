// Decodes images and runs the network, apart from the page, which stays awake meanwhile.
import * as ort from "onnxruntime-web/wasm";
import { bitmapPixels, decodeImage } from "./decode.js";
import { PageError } from "./errors.js";
import { maskBytes } from "./mask.js";
import { Model } from "./model.js";
import { areas, IGNORED } from "./numbers.js";

ort.env.wasm.wasmPaths = new URL("./ort/", self.location.href).href;
// More than one thread needs shared memory, which browsers give to pages isolated by COOP and COEP headers alone.
const threads = new URL(self.location.href).searchParams.get("threads");
const available = self.crossOriginIsolated ? Math.min(4, Math.ceil(navigator.hardwareConcurrency / 2)) : 1;
ort.env.wasm.numThreads = Number(threads) || available;

let model;

const tasks = {
  /** Another model takes the place of the present one only if it can be used. */
  async open({ bytes, name }) {
    const opened = await Model.open(bytes, name);
    await model?.close();
    model = opened;
    return { info: model.info, threads: ort.env.wasm.numThreads };
  },
  decode: ({ blob, name }) => decodeImage(blob, name),
  frame: ({ bitmap }) => bitmapPixels(bitmap, "the picture"),
  segment: ({ image }, id) => model.segment(image, (...progress) => breathe(id, progress)),
  /** From a file to its mask: of many pictures none needs to leave this worker. */
  async mask({ blob, name }, id) {
    const image = await decodeImage(blob, name);
    const { classes, notes } = await model.segment(image, (...progress) => breathe(id, progress));
    const { names, values } = model.info;
    const { width, height } = image;
    const counts = areas(classes, IGNORED + 1);
    const mask = maskBytes(classes, values, width, height);
    return { mask, width, height, counts: counts.slice(0, names.length), ignored: counts[IGNORED], notes };
  },
};

/** What need not be copied on its way to the page: the worker keeps nothing of it. */
const handedOver = (result) => [result.data, result.classes, result.mask].filter(Boolean).map(({ buffer }) => buffer);

const BREATH = 200; // milliseconds between two looks at the messages, during long work
const cancelled = new Set();
let lastBreath = 0;

class Cancelled extends Error {}

/** Tell how far the work is, and end it if it is no longer wanted. */
async function breathe(id, [done, total]) {
  if (done === total || performance.now() - lastBreath < BREATH) return;
  self.postMessage({ id, progress: [done, total] });
  await new Promise((resume) => setTimeout(resume));
  lastBreath = performance.now();
  if (cancelled.has(id)) throw new Cancelled();
}

let last = Promise.resolve(); // one task after another: a session runs one image at a time

self.onmessage = ({ data: { id, task, payload } }) => {
  if (task === "cancel") return void cancelled.add(id);
  last = last.then(async () => {
    try {
      const result = await tasks[task](payload, id);
      self.postMessage({ id, result }, handedOver(result));
    } catch (error) {
      if (error instanceof Cancelled) return self.postMessage({ id, result: null });
      const message = error instanceof PageError ? error.message : `Something went wrong: ${error.message ?? error}`;
      self.postMessage({ id, error: message });
    } finally {
      cancelled.delete(id);
    }
  });
};
