// The page's side of the worker: each task is a promise.
import { PageError } from "./errors.js";

export class Engine {
  constructor(url) {
    this.waiting = new Map();
    this.count = 0;
    this.worker = new Worker(url, { type: "module" });
    this.worker.onmessage = ({ data: { id, result, error } }) => {
      const { resolve, reject } = this.waiting.get(id);
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

  /** @param {"open" | "decode" | "frame" | "segment"} task as in worker.js */
  do(task, payload, transfer = []) {
    const id = this.count++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, task, payload }, transfer);
    });
  }
}
