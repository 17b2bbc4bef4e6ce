// The page: where pictures and models come from, and what is shown of them. The network runs in worker.js.
import { BatchView } from "./batch-view.js";
import { Camera } from "./camera.js";
import { offerComparison } from "./compare.js";
import { save } from "./download.js";
import { DrawingBoard } from "./drawing-board.js";
import { Engine } from "./engine.js";
import { PageError } from "./errors.js";
import { onFiles } from "./files.js";
import { fetchModel, keepModel, linkTo, modelIn } from "./link.js";
import { maskBytes, maskName } from "./mask.js";
import { areas } from "./numbers.js";
import { paintClasses, paintImage } from "./picture.js";
import { SHIPPED } from "./shipped.js";
import { PRESETS } from "./sketch.js";
import * as view from "./view.js";

const DRAWING = "drawing"; // the name of what was drawn here
const $ = (id) => document.getElementById(id);
const engine = new Engine(`worker.js${location.search}`);
const state = {
  info: null, // metadata of the model
  wanted: null, // the latest picture, shown or about to be
  image: null, // the pixels shown
  name: "picture", // of the image, for the mask's file
  classes: null, // of every pixel, once the network has run
  ownModel: null, // a model that does not come with the page: its file, and the link that named it
  visible: [], // for each class, whether it is shown
};

/** Run what a person asked for; what is wrong is said on the page. */
async function attempt(action) {
  view.showProblem("");
  try {
    return await action();
  } catch (error) {
    view.showProblem(error.message);
    return undefined;
  }
}

// ---- From a picture to its classes. Only the latest picture matters: what came in between is dropped.

let running = null;
let next = null;

/** @param {boolean} settled false while the picture still changes from moment to moment (a stroke, a camera) */
function show(image, name, settled = true) {
  next = state.wanted = { image, name, settled };
  engine.cancel();
  running ??= segmentLatest().finally(() => (running = null));
  return running;
}

async function segmentLatest() {
  while (next) {
    const job = next;
    const { image, name, settled } = job;
    next = null;
    const result = await engine.do("segment", { image }, [], view.showProgress);
    if (!result) {
      if (state.wanted === job) next ??= job; // ended for another model, not for another picture
      continue;
    }
    const { classes, milliseconds, notes } = result;
    // Image and classes are painted together: one is never seen with the other's neighbour.
    Object.assign(state, { image, name, classes });
    paintImage($("image"), image);
    view.fitStage(image);
    paint();
    view.showResult({ name, image, milliseconds, notes, settled, names: state.info.names, counts: counts() });
    $("download").disabled = false;
  }
}

const counts = () => areas(state.classes, state.info.names.length);

function paint() {
  if (!state.image) return;
  const { width, height } = state.image;
  paintClasses($("classes"), state.classes, width, height, state.info.palette, state.visible);
}

// ---- Models

/** @param {URL | null} link from where others can have it too */
async function useModel(bytes, name, preset, link) {
  batch.stop();
  engine.cancel();
  const { info, threads } = await engine.do("open", { bytes, name }, [bytes.buffer]);
  state.info = info;
  const isFirst = link?.href === new URL(SHIPPED[0].file, location.href).href; // which is there without being named
  history.replaceState(null, "", linkTo(isFirst ? null : link, location));
  $("share").hidden = !link;
  state.visible = info.names.map((_, k) => k > 0); // class 0, the background, shows the image itself
  view.showModel(info, threads);
  view.showLegend(info, state.visible, paint);
  const size = preset ? PRESETS[preset].size : Math.min(...(info.size ?? [128]));
  board.setPreset({ ...PRESETS[preset ?? "authors"], size });
  const isDrawing = board.active || state.wanted?.name === DRAWING;
  if (info.in_channels > 1 && !camera.active && (isDrawing || !state.wanted)) return void inviteAPhotograph();
  if (!camera.active && !state.wanted) setSource("draw");
  if (board.active) board.random();
  else if (!camera.active) await show(state.wanted.image, state.wanted.name);
}

/** A network for colours has nothing to say of a drawing. The stage is empty until there is a photograph. */
function inviteAPhotograph() {
  setSource("file");
  Object.assign(state, { wanted: null, image: null, classes: null });
  const empty = { width: 320, height: 240 };
  for (const canvas of [$("image"), $("classes")]) Object.assign(canvas, empty); // which clears it
  view.fitStage(empty);
  view.showInvitation();
  $("download").disabled = true;
}

async function useShipped(index) {
  const { file, preset } = SHIPPED[index];
  const response = await fetch(file);
  if (!response.ok) throw new Error(`${file} could not be loaded (${response.status}). Reload the page.`);
  await useModel(new Uint8Array(await response.arrayBuffer()), file, preset, new URL(file, location.href));
}

async function useOwnModel(file, link = null) {
  await useModel(new Uint8Array(await file.arrayBuffer()), file.name, null, link);
  state.ownModel = { file, link };
  view.addModelChoice(file.name);
}

/** The network that the page's address names; without one the first that comes with the page. */
async function useLinked() {
  const link = modelIn(location);
  const shipped = link ? SHIPPED.findIndex(({ file }) => new URL(file, location.href).href === link.href) : 0;
  if (shipped >= 0) {
    view.chooseModel(shipped);
    return useShipped(shipped);
  }
  const file = await fetchModel(link);
  await useOwnModel(file, link);
  await keepModel(link, file);
}

// ---- Pictures

const board = new DrawingBoard($("image"), (image, settled) => show(image, DRAWING, settled).catch(view.showError));
const camera = new Camera(
  async (bitmap) => show(await engine.do("frame", { bitmap }, [bitmap]), "camera", false),
  () => state.info.size,
);

/** @param {"draw" | "camera" | "file"} source */
function setSource(source) {
  if (source !== "camera") camera.stop();
  board.setActive(source === "draw");
  view.showSource(source);
}

async function useImage(file) {
  const image = await engine.do("decode", { blob: file, name: file.name });
  setSource("file");
  await show(image, file.name);
}

const batch = new BatchView(engine, ({ file }) => attempt(() => useImage(file)));

/** One picture is shown, several are listed; a network among them comes first. */
async function useFiles(given) {
  const isModel = ({ name }) => /\.onnx$/i.test(name);
  const [models, pictures] = [given.filter(isModel), given.filter((one) => !isModel(one))];
  if (!given.length) throw new PageError("There are no pictures in it. Use PNG, JPEG, TIFF, WebP, GIF or BMP.");
  if (models.length > 1) throw new PageError(`${models.length} networks at once are too many. Open one of them.`);
  if (models.length) await useOwnModel(models[0].file);
  if (pictures.length === 1) await useImage(pictures[0].file);
  else if (pictures.length) await batch.run(state.info, pictures);
}

$("draw").onclick = () => {
  setSource("draw");
  board.random();
};
$("random").onclick = () => board.random();
$("clear").onclick = () => board.clear();
$("camera").onclick = () =>
  attempt(async () => {
    if (camera.active) return setSource("file");
    await camera.start();
    setSource("camera");
  });
$("freeze").onclick = () =>
  attempt(async () => {
    setSource("file");
    if (state.image) await show(state.image, "camera");
  });
for (const radio of document.querySelectorAll("input[name=kind]")) {
  radio.onchange = () => board.setKind(radio.value);
}

$("model").onchange = ({ target }) =>
  attempt(() => (target.value === "own" ? useOwnModel(state.ownModel.file, state.ownModel.link) : useShipped(Number(target.value))));
$("open-image").onclick = () => $("image-file").click();
$("open-folder").onclick = () => $("image-folder").click();
$("open-model").onclick = () => $("model-file").click();
$("share").onclick = () => attempt(() => view.copyLink(location.href));
const inputs = [$("image-file"), $("image-folder"), $("model-file")];
onFiles({ inputs, dropHint: $("drop") }, (given) => attempt(() => useFiles(given)));
$("opacity").oninput = ({ target }) => view.showOpacity(target.value);
$("download").onclick = () => {
  const { width, height } = state.image;
  const mask = maskBytes(state.classes, state.info.values, width, height);
  save(new Blob([mask], { type: "image/png" }), maskName(state.name));
};

view.listModels(SHIPPED);
view.showOpacity($("opacity").value);
offerComparison();
setSource("draw");
await attempt(useLinked);
if (!state.info) await useShipped(0).catch(view.showError); // and what was wrong with the link is still said
view.showOffline();
