// Q-tips with the pointer: press, drag, let go. A stroke is segmented while it is drawn.
import { drawBars, PRESETS, randomBars } from "./sketch.js";
import { hideHint } from "./view.js";

export class DrawingBoard {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {(image: import("./decode.js").Pixels, settled: boolean) => void} changed settled: false during a stroke
   */
  constructor(canvas, changed) {
    this.changed = changed;
    this.preset = PRESETS.authors;
    this.kind = "white-black";
    this.bars = [];
    this.active = false;
    this.stroke = null;
    canvas.addEventListener("pointerdown", (event) => this.begin(event, canvas));
    canvas.addEventListener("pointermove", (event) => this.move(event, canvas));
    canvas.addEventListener("pointerup", () => this.end());
    canvas.addEventListener("pointercancel", () => this.end());
  }

  setPreset(preset) {
    this.preset = preset;
    this.bars = [];
  }

  setActive(active) {
    this.active = active;
    this.stroke = null;
  }

  setKind(kind) {
    this.kind = kind;
  }

  random() {
    this.bars = randomBars(this.preset);
    this.update(true);
  }

  clear() {
    this.bars = [];
    this.update(true);
  }

  begin(event, canvas) {
    if (!this.active || event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    const at = this.position(event, canvas);
    this.stroke = { from: at, to: at, kind: this.kind };
    hideHint();
  }

  move(event, canvas) {
    if (!this.stroke) return;
    this.stroke.to = this.position(event, canvas);
    this.update(false);
  }

  end() {
    if (!this.stroke) return;
    const { from, to } = this.stroke;
    const touched = Math.hypot(to[0] - from[0], to[1] - from[1]) < 2; // pixels: a tap, not a stroke
    if (!touched) this.bars = this.withStroke();
    this.stroke = null;
    this.update(true);
  }

  /** As many bars as the network knows: with one more, the oldest goes. */
  withStroke() {
    return [...this.bars, this.stroke].slice(-this.preset.bars);
  }

  update(settled) {
    this.changed(drawBars(this.stroke ? this.withStroke() : this.bars, this.preset), settled);
  }

  position(event, canvas) {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top].map(
      (offset, axis) => (offset / [box.width, box.height][axis]) * this.preset.size,
    );
  }
}
