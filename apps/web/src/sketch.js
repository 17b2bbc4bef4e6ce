// Q-tips drawn by hand: a bar with a square at each end, from where the pointer goes down to where it goes up.
// Grey values, proportions and the raster are those of data_gen/presets.py and data_gen/geometry.py.
const BAR = 128;
const ENDS = { "white-white": [255, 255], "white-black": [255, 1], "black-black": [1, 1] };
export const KINDS = Object.keys(ENDS);
export const PRESETS = {
  authors: { size: 64, background: 64, width: 5 / 64, length: [28 / 64, 61 / 64], bars: 1, noise: 0 },
  pile: { size: 128, background: 64, width: 0.08, length: [0.45, 0.9], bars: 3, noise: 12 },
};

/**
 * @typedef {{from: [number, number], to: [number, number], kind: string}} Bar ends as [x, y] in pixels
 * @param {Bar[]} bars the later ones on top
 * @returns {import("./decode.js").Pixels}
 */
export function drawBars(bars, preset) {
  const { size, background, noise } = preset;
  const data = new Uint8Array(size * size).fill(background);
  for (const bar of bars) rasterise(bar, preset, data);
  if (noise) {
    const field = noiseField(size * size);
    field.forEach((value, i) => (data[i] = Math.max(0, Math.min(255, data[i] + noise * value))));
  }
  return { width: size, height: size, channels: 1, white: 255, data };
}

function rasterise({ from, to, kind }, { size, width: relativeWidth }, data) {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const width = Math.round(relativeWidth * size);
  const length = Math.max(2 * width, Math.round(Math.hypot(dx, dy)));
  const angle = Math.atan2(dy, dx);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const centre = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2];
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const [x, y] = [column + 0.5 - centre[0], row + 0.5 - centre[1]];
      const along = Math.floor(cos * x + sin * y) + Math.floor(length / 2);
      const across = Math.floor(cos * y - sin * x) + Math.floor(width / 2);
      if (along < 0 || along >= length || across < 0 || across >= width) continue;
      const end = along < width ? ENDS[kind][0] : along >= length - width ? ENDS[kind][1] : BAR;
      data[row * size + column] = end;
    }
  }
}

/**
 * As many bars as the preset has, anywhere in the frame, and no end under a later bar: hidden, the class is a guess.
 * @param {() => number} random in [0, 1)
 */
export function randomBars(preset, random = Math.random) {
  for (let attempt = 0; ; attempt++) {
    const bars = Array.from({ length: preset.bars }, () => randomBar(preset, random));
    const hidden = bars.some((bar, i) => bars.slice(i + 1).some((above) => coversAnEnd(above, bar, preset)));
    if (!hidden || attempt === 100) return bars;
  }
}

function randomBar({ size, length: range, bars, width }, random) {
  const kind = KINDS[Math.floor(random() * KINDS.length)];
  const length = size * (range[0] + (range[1] - range[0]) * random());
  const angle = 2 * Math.PI * random();
  const half = [(Math.cos(angle) * length) / 2, (Math.sin(angle) * length) / 2];
  const centre = half.map((extent) => {
    const margin = Math.min(size / 2, Math.abs(extent) + width * size);
    return bars === 1 ? size / 2 : margin + random() * (size - 2 * margin);
  });
  return { from: centre.map((c, axis) => c - half[axis]), to: centre.map((c, axis) => c + half[axis]), kind };
}

function coversAnEnd(above, { from, to }, { size, width }) {
  const axis = [above.to[0] - above.from[0], above.to[1] - above.from[1]];
  const squared = axis[0] ** 2 + axis[1] ** 2;
  return [from, to].some(([x, y]) => {
    const [dx, dy] = [x - above.from[0], y - above.from[1]];
    const along = Math.max(0, Math.min(1, (dx * axis[0] + dy * axis[1]) / squared));
    return Math.hypot(dx - along * axis[0], dy - along * axis[1]) < 1.2 * width * size;
  });
}

let fixedNoise = new Float32Array();

/** Standard normal numbers, the same ones at every call: noise that does not flicker while a bar is drawn. */
function noiseField(n) {
  if (fixedNoise.length !== n) {
    let state = 1;
    const uniform = () => ((state = (state * 48271) % 2147483647) / 2147483647);
    fixedNoise = Float32Array.from({ length: n }, () =>
      Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
    );
  }
  return fixedNoise;
}
