"""Networks for microcontrollers as core files, and images to calibrate and to judge them with."""

from pathlib import Path

import numpy as np

from benchmarks.export import untrained
from benchmarks.photograph_data import FOLDER, prepare
from benchmarks.runtimes.networks import core_file
from imexseg.data.description.data_yaml import load_description
from imexseg.data.pairs.pairs import list_pairs
from imexseg.evaluation.evaluate import read_pair
from imexseg.export.metadata import ExportOptions
from imexseg.export.sample_images import generated_pairs
from imexseg.export.write import export
from imexseg.inference.core import read_sidecar
from imexseg.models.artefact import load
from imexseg.models.contract import ImageNetwork
from imexseg.models.weights import find_weights

Pixels = tuple[np.ndarray, np.ndarray]  # image (H, W, C), mask (H, W)
PEOPLE = "people-tiny"
SIDE, PHOTOGRAPHS = 96, "ccp-96"
DEPTHS = (2, 8)  # steps
DYNAMICS = ("imex-residual", "hamiltonian-imex")


def small_cores(name: str, folder: Path) -> list[Path]:
    """Those of a choice of the command line; made once."""
    if name == "qtips":
        return [core_file(name, folder)]
    if name == PEOPLE:
        network = load(find_weights(PEOPLE))
        network.config = network.config.model_copy(update={"long_side": None})  # it sees the image as it is
        return [_exported(network, folder / f"{PEOPLE}-{SIDE}.onnx", SIDE)]
    return [
        _exported(
            untrained(f"{dynamics}-lean", 1, n_steps=n_steps, width=32), folder / f"{dynamics}-{n_steps}.onnx", 64
        )
        for dynamics in DYNAMICS
        for n_steps in DEPTHS
    ]


def _exported(network: ImageNetwork, path: Path, side: int) -> Path:
    if not path.is_file():
        export(network, path, ExportOptions((side, side), core=True))
    return path


def small_pairs(core: Path, split: str, n: int, data: Path | None) -> list[Pixels]:
    """Photographs squeezed to the size of people-tiny; Q-tips for all others."""
    info = read_sidecar(core)
    if core.stem != f"{PEOPLE}-{SIDE}":
        assert info.size is not None
        return list(generated_pairs(info, info.size, n, split))
    assert data is not None
    prepare(PHOTOGRAPHS, data)
    pairs = list_pairs(load_description(FOLDER / PHOTOGRAPHS), split)[:n]
    return [read_pair(pair, list(info.names)) for pair in pairs]
