"""The networks that people choose among, each with a line of advice. Imports nothing: listing them takes no torch.

Any other combination is a short form of models/registry.py, or one of these with other settings: `--network KEY=VALUE`.
"""

DEFAULT_MODEL = "imex-lean"

NETWORKS: dict[str, str] = {
    "imex-lean": "the default: small, one scale, every pixel sees the whole image",
    "parabolic-lean": "the same without the solve: what the implicit part is worth on your data",
    "imex-residual-lean": "the f of a residual network with a solve, for states that need not contract",
    "hamiltonian-imex-lean": "reversible: memory in training does not grow with the number of steps",
    "imex-residual-lean-pile": "a coarser grid and more steps, for larger scenes of few kinds of objects",
    "imex-residual-lean-pile-l": "the same, wider and deeper",
    "imex-residual-lean-photo-tiny": "photographs on microcontrollers and in browsers: one scale, stride 4",
    "imex-residual-lean-photo-s": "photographs on small devices: two scales",
    "imex-residual-lean-photo-m": "photographs on phones, from scratch: three scales",
    "imex-lean-s": "five scales, strides 2 to 32: an encoder for segmentation-models-pytorch too",
    "imex-lean-m": "the same, wider and deeper",
    "imex-lite0": "photographs with few labels: begins with an encoder trained on ImageNet",
    "imexnet": "the network of the IMEXnet paper at full resolution: slow, to compare with",
}
