// The page's side of the worker: each task is a promise.
import { PageError } from "./errors.js";

export class Engine {
  constructor(url) {
    this.waiting = new Map();
    this.count = 0;
    this.worker = new Worker(url, { type: "module" });
    this.worker.onmessage = ({ data: { id, result, error, progress } }) => {
      const { resolve, reject, onProgress } = this.waiting.get(id);
      if (progress) return onProgress(...progress);
      this.waiting.delete(id);
      error === undefined ? resolve(result) : reject(new PageError(error));
    };
    this.worker.onerror = (event) => {
      event.preventDefault();
      const error = new PageError("The part that runs the network could not be started. Reload the page.");
      for (const { reject } of this.waiting.values()) reject(error);
      this.waiting.clear();
    };
  }

  /**
   * @param {"open" | "decode" | "frame" | "segment" | "mask"} task as in worker.js
   * @param {(done: number, total: number) => void} onProgress
   * @returns {Promise<any>} null if it was cancelled
   */
  do(task, payload, transfer = [], onProgress = () => {}) {
    const id = this.count++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { task, resolve, reject, onProgress });
      this.worker.postMessage({ id, task, payload }, transfer);
    });
  }

  /** End what is under way as soon as it can be ended: the segmentation of an image in many tiles. */
  cancel(which = "segment") {
    for (const [id, { task }] of this.waiting) if (task === which) this.worker.postMessage({ id, task: "cancel" });
  }
}
