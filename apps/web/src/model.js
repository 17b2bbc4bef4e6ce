// One network in onnxruntime-web: from the pixels of an image to the class of each.
import * as ort from "onnxruntime-web/wasm";
import { checkedSeal } from "./checksum.js";
import { PageError } from "./errors.js";
import { picturesInWords } from "./frames.js";
import { readModelInfo } from "./metadata.js";
import { trainedType } from "./model-info.js";
import { IGNORED, ignoredInWords } from "./numbers.js";
import { SAMPLES, toChannels, toInput } from "./prepare.js";
import { cut, sizeNote, tilesAlong } from "./tiles.js";

export class Model {
  /** @throws {PageError} if the file is not an exported imexseg network */
  static async open(bytes, name) {
    const info = readModelInfo(bytes, name, await checkedSeal(bytes, name));
    let session;
    try {
      session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
    } catch (error) {
      throw new PageError(`${name} cannot be run here (${firstLine(error)}). Export it again with “imexseg export”.`);
    }
    requireInterface(session, info, name);
    const model = new Model(session, info, name);
    await model.warmUp();
    return model;
  }

  constructor(session, info, name) {
    this.session = session;
    this.info = info;
    this.name = name;
    this.type = trainedType(info);
  }

  /**
   * @param {import("./decode.js").Pixels} image
   * @param {(done: number, total: number) => Promise<void>} between called after each tile; what it throws ends the work
   * @returns {Promise<{classes: Uint8Array, milliseconds: number, notes: string[]}>} milliseconds: of the network alone
   */
  async segment(image, between) {
    const input = toInput(toChannels(image, this.info.in_channels), this.info, this.type);
    const { size, minimum_size: minimum } = this.info;
    const [tileHeight, tileWidth] = size ?? [
      Math.max(image.height, minimum?.[0] ?? 1),
      Math.max(image.width, minimum?.[1] ?? 1),
    ];
    const isOnePiece = tileHeight === image.height && tileWidth === image.width; // and need not be copied
    const { classes, milliseconds } = isOnePiece
      ? await this.timed(input.data, [1, tileHeight, tileWidth, input.channels])
      : await this.inTiles(input, tileHeight, tileWidth, between);
    if (image.void) classes.forEach((_, i) => image.void[i] && (classes[i] = IGNORED));
    const several = picturesInWords(image.pictures);
    const notes = [several, input.remark, sizeNote(image, size), ignoredInWords(image.void, this.info)];
    return { classes, milliseconds, notes: notes.filter(Boolean) };
  }

  async inTiles(input, tileHeight, tileWidth, between) {
    const { height, width, channels } = input;
    const classes = new Uint8Array(height * width);
    const [down, across] = [tilesAlong(height, tileHeight), tilesAlong(width, tileWidth)];
    let milliseconds = 0;
    let done = 0;
    for (const rows of down) {
      for (const columns of across) {
        const tile = cut(input, rows.start, columns.start, tileHeight, tileWidth);
        const result = await this.timed(tile, [1, tileHeight, tileWidth, channels]);
        milliseconds += result.milliseconds;
        for (let row = rows.from; row < rows.to; row++) {
          const at = (row - rows.start) * tileWidth - columns.start;
          classes.set(result.classes.subarray(at + columns.from, at + columns.to), row * width + columns.from);
        }
        await between(++done, down.length * across.length);
      }
    }
    return { classes, milliseconds };
  }

  async timed(data, shape) {
    const begin = performance.now();
    const classes = await this.run(data, shape);
    return { classes, milliseconds: performance.now() - begin };
  }

  async run(data, shape) {
    let classes;
    try {
      ({ classes } = await this.session.run({ image: new ort.Tensor(this.type, data, shape) }, ["classes"]));
    } catch (error) {
      throw new PageError(`The network failed on ${shape[2]} × ${shape[1]} px (${firstLine(error)}). Try a smaller image.`);
    }
    const fits = String(classes.dims) === String(shape.slice(0, 3)) && classes.data.every((k) => k < this.info.names.length);
    if (!fits) throw new PageError(`${this.name} answers with other classes or another size than it says. Export it again.`);
    return classes.data;
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

/** The graph must take and give what the metadata say. @throws {PageError} */
function requireInterface(session, info, name) {
  const [input, ...others] = session.inputMetadata;
  const output = session.outputMetadata.find((value) => value.name === "classes");
  const sides = [...(info.size ?? []), info.in_channels];
  let problem;
  const isImage = input?.name === "image" && input.isTensor && input.shape.length === 4;
  if (!isImage || others.length) problem = "does not take one image";
  else if (input.type !== trainedType(info)) problem = `takes ${input.type}, but its metadata say ${trainedType(info)}`;
  else if (String(input.shape.slice(-sides.length)) !== String(sides)) problem = "takes another shape than its metadata say";
  else if (!output?.isTensor || output.type !== "uint8") problem = "does not give the classes as 8-bit numbers";
  if (problem) throw new PageError(`${name}: its graph ${problem}. Export it again with “imexseg export”.`);
}

const firstLine = (error) => String(error?.message ?? error).split("\n")[0].slice(0, 200);
