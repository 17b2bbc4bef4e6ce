"""The networks of the comparison, as core files with torch's answers to a few images beside them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.contenders.network import PREFIX, register
from benchmarks.export import untrained
from benchmarks.runtimes.programs import FFT_NETWORKS, save_fft_network, save_program
from imexseg.export.metadata import ExportOptions
from imexseg.export.sample_images import generated_images, random_images
from imexseg.export.write import export
from imexseg.inference.core import prepared
from imexseg.inference.onnx_predictor import OnnxPredictor
from imexseg.models.artefact import load
from imexseg.models.contract import ImageNetwork
from imexseg.models.weights import find_weights

IMAGES = 4


@dataclass(frozen=True)
class Compared:
    """size: (height, width) in pixels.  model: registered, to be compared untrained; None: the shipped weights of that name."""

    name: str
    size: tuple[int, int]
    model: str | None = None


PHOTO = (192, 128)  # of the clothing photographs
NETWORKS = (
    Compared("qtips", (64, 64)),
    Compared("qtips-pile", (128, 128)),
    Compared("photo-tiny", PHOTO, "imex-residual-lean-photo-tiny"),
    Compared("people-tiny", (256, 171)),
    Compared("photo-s", PHOTO, "imex-residual-lean-photo-s"),
    Compared("people-lite0", (256, 192)),
    Compared("unet-mobilenetv2", PHOTO, "smp:Unet:mobilenet_v2"),
    Compared("lraspp", PHOTO, "smp:LRASPP:mobilenet_v3_large"),
    Compared("free-filter", PHOTO, f"{PREFIX}free-filter:photo-tiny"),
    Compared("hartley", PHOTO, f"{PREFIX}hartley:photo-tiny"),
)
NAMES = (*(network.name for network in NETWORKS), *FFT_NETWORKS)
OWN = {network.name for network in NETWORKS if not (network.model or "").startswith(("smp:", PREFIX))}


def core_file(name: str, folder: Path) -> Path:
    """Of one of NAMES, as `prepare` leaves it."""
    if name in FFT_NETWORKS:
        return save_fft_network(name, folder)
    return prepare(next(network for network in NETWORKS if network.name == name), folder)


def prepare(compared: Compared, folder: Path) -> Path:
    """Its core file, torch's program (.pt2), and .npz with what goes in and what torch says; made once. Returns: the .onnx."""
    path = folder / f"{compared.name}.onnx"
    answers, program = path.with_suffix(".npz"), path.with_suffix(".pt2")
    if path.is_file() and answers.is_file() and program.is_file():
        return path
    network = _network(compared)
    export(network, path, ExportOptions(compared.size, core=True))
    info = OnnxPredictor(path).info
    images = random_images(network.info, compared.size, IMAGES)
    if compared.model is None:
        images = images[: IMAGES // 2] + generated_images(network.info, compared.size, IMAGES - IMAGES // 2)
    given = np.concatenate([prepared(image[None], info) for image in images])
    with torch.no_grad():
        np.savez(answers, given=given, expected=network.logits(torch.from_numpy(given)).numpy())
    save_program(program, network, given[:1])
    return path


def _network(compared: Compared) -> ImageNetwork:
    if compared.model is None:
        return load(find_weights(compared.name))
    register()
    return untrained(compared.model, 3, 10)
