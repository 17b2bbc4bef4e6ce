// Decodes images and runs the network, apart from the page, which stays awake meanwhile.
import * as ort from "onnxruntime-web/wasm";
import { bitmapPixels, decodeImage } from "./decode.js";
import { PageError } from "./errors.js";
import { Model } from "./model.js";

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
  segment: ({ image }) => model.segment(image),
};

let last = Promise.resolve(); // one task after another: a session runs one image at a time

self.onmessage = ({ data: { id, task, payload } }) => {
  last = last.then(async () => {
    try {
      self.postMessage({ id, result: await tasks[task](payload) });
    } catch (error) {
      const message = error instanceof PageError ? error.message : `Something went wrong: ${error.message ?? error}`;
      self.postMessage({ id, error: message });
    }
  });
};
