// One network in onnxruntime-web: from the pixels of an image to the class of each.
import * as ort from "onnxruntime-web/wasm";
import { PageError } from "./errors.js";
import { readModelInfo } from "./metadata.js";
import { SAMPLES, toChannels, toInput } from "./prepare.js";
import { cut, sizeNote, tilesAlong } from "./tiles.js";

/** In place of a class where a pixel means nothing. */
const IGNORED = 255;

export class Model {
  /** @throws {PageError} if the file is not an exported imexseg network */
  static async open(bytes, name) {
    const info = readModelInfo(bytes, name);
    let session;
    try {
      session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
    } catch (error) {
      throw new PageError(`${name} cannot be run here (${firstLine(error)}). Export it again with “imexseg export”.`);
    }
    const input = session.inputMetadata.find((value) => value.name === "image");
    if (!input?.isTensor || !session.outputNames.includes("classes")) {
      throw new PageError(`${name} has no input “image” or no output “classes”. Export it again with “imexseg export”.`);
    }
    if (!SAMPLES[input.type]) {
      throw new PageError(`${name} takes numbers of type ${input.type}; this page gives uint8, uint16 or float32.`);
    }
    const model = new Model(session, info, input.type);
    await model.warmUp();
    return model;
  }

  constructor(session, info, type) {
    this.session = session;
    this.info = info;
    this.type = type;
  }

  /**
   * @param {import("./decode.js").Pixels} image
   * @param {(done: number, total: number) => Promise<void>} between called after each tile; what it throws ends the work
   * @returns {Promise<{classes: Uint8Array, milliseconds: number, note: string}>} milliseconds: of the network alone
   */
  async segment(image, between) {
    const input = toInput(toChannels(image, this.info.in_channels), this.info, this.type);
    const { size, minimum_size: minimum } = this.info;
    const [tileHeight, tileWidth] = size ?? [
      Math.max(image.height, minimum?.[0] ?? 1),
      Math.max(image.width, minimum?.[1] ?? 1),
    ];
    const classes = new Uint8Array(image.height * image.width);
    const [down, across] = [tilesAlong(image.height, tileHeight), tilesAlong(image.width, tileWidth)];
    let milliseconds = 0;
    let done = 0;
    for (const rows of down) {
      for (const columns of across) {
        const tile = cut(input, rows.start, columns.start, tileHeight, tileWidth);
        const begin = performance.now();
        const result = await this.run(tile, [1, tileHeight, tileWidth, input.channels]);
        milliseconds += performance.now() - begin;
        for (let row = rows.from; row < rows.to; row++) {
          const at = (row - rows.start) * tileWidth - columns.start;
          classes.set(result.subarray(at + columns.from, at + columns.to), row * image.width + columns.from);
        }
        await between(++done, down.length * across.length);
      }
    }
    if (image.void) classes.forEach((_, i) => image.void[i] && (classes[i] = IGNORED));
    return { classes, milliseconds, note: sizeNote(image, size) };
  }

  async run(data, shape) {
    try {
      const { classes } = await this.session.run({ image: new ort.Tensor(this.type, data, shape) }, ["classes"]);
      return classes.data;
    } catch (error) {
      throw new PageError(`The network failed on ${shape[2]} × ${shape[1]} px (${firstLine(error)}). Try a smaller image.`);
    }
  }

  /** The first image costs many times as much as the next ones. It would not be the time of the network. */
  async warmUp() {
    const { size, minimum_size: minimum, in_channels: channels } = this.info;
    const [height, width] = size ?? minimum ?? [64, 64];
    await this.run(new SAMPLES[this.type](height * width * channels), [1, height, width, channels]);
  }

  close() {
    return this.session.release();
  }
}

const firstLine = (error) => String(error?.message ?? error).split("\n")[0].slice(0, 200);
