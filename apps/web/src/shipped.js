// The models that come with the page; `make web` exports them from weights/.
export const SHIPPED = [
  { file: "models/qtips.onnx", title: "Q-tips: one bar, 64 × 64", preset: "authors" },
  { file: "models/qtips-pile.onnx", title: "Q-tips: a noisy pile, 128 × 128", preset: "pile" },
  { file: "models/people-tiny.onnx", title: "People: clothes in a photograph, 100 kB" },
  { file: "models/people-lite0.onnx", title: "People: clothes in a photograph, more exactly, 3.5 MB" },
];
