"""A network in int8 in the interpreter of microcontrollers: its arena, its classes, and what Vela expects of an Ethos-U55.

    python -m benchmarks.runtimes.micro --cache FOLDER                                  qtips, 64 x 64 px
    python -m benchmarks.runtimes.micro --cache FOLDER --network people-tiny --data DATA  96 x 96 px, DATA as of photographs
    python -m benchmarks.runtimes.micro --cache FOLDER --network depth                  arenas of untrained networks, by depth

All of it is simulated on this machine. Calibrated on images of the training split, judged on others.
"""

import argparse
import json
import re
import subprocess
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from benchmarks.runtimes.engines import ConverterError, Engine, convert, install, spoken
from benchmarks.runtimes.micro_networks import Pixels, small_cores, small_pairs
from benchmarks.runtimes.right_products import rewrite
from imexseg.evaluation.evaluate import confusion_matrix
from imexseg.evaluation.scores import Scores
from imexseg.inference.core import prepared, read_sidecar
from imexseg.inference.onnx_predictor import OnnxPredictor

MICRO = Engine("micro", "tflite-micro", ("tflite-micro==0.dev20261023182759", "ethos-u-vela==5.2.0", "numpy"))
ONNX2TF = Engine(
    "onnx2tf",
    "onnx2tf",
    (
        "onnx2tf==1.29.24",
        "tensorflow-cpu==2.19.1",
        "tf-keras==2.19.0",
        "onnx==1.19.1",
        "onnxruntime==1.23.0",
        "onnxsim==0.4.36",
        "onnx-graphsurgeon",
        "sng4onnx",
        "ai-edge-litert==2.1.0",
        "psutil",
    ),
)
NETWORKS = ("qtips", "people-tiny", "depth")
CALIBRATION, JUDGED = 64, 64  # images
ACCELERATOR = "ethos-u55-128"
_WANTED = ("Total SRAM used", "Total Off-chip Flash used", "CPU operators", "NPU operators", "Batch Inference time")


def quantised(core: Path, images: Iterable[np.ndarray], folder: Path, python: Path) -> Path:
    """The .tflite with int8 from input to logits. Args: images: to calibrate with, (H, W, C)."""
    folder.mkdir(parents=True, exist_ok=True)
    target, rewritten = folder / f"{core.stem}-int8.tflite", folder / core.name
    if not target.is_file():
        info = read_sidecar(core)
        calibration = np.concatenate([prepared(image[None], info) for image in images])
        np.save(folder / "calibration.npy", calibration.transpose(0, 2, 3, 1))
        rewrite(core, rewritten)
        convert(ONNX2TF, python, rewritten, folder / "tf", 3000)
        script = ONNX2TF.worker.with_name("onnx2tf_int8_.py")
        spoken([str(python), str(script), "tf", "calibration.npy", target.name], folder, 3000)
    return target


def judged(python: Path, network: Path, core: Path, pairs: list[Pixels], folder: Path) -> dict[str, float]:
    """Arena, and the classes beside those of onnxruntime in fp32 and beside the truth."""
    predictor = OnnxPredictor(core)
    info = predictor.info
    np.savez(folder / "test.npz", given=np.concatenate([prepared(image[None], info) for image, _ in pairs]))
    said = spoken([str(python), str(MICRO.worker), str(network), str(folder / "test.npz")], folder, 3000)
    found = np.load(folder / "test.npy")
    expected = np.stack([predictor.classes(image) for image, _ in pairs])
    masks = np.stack([mask for _, mask in pairs])
    mious = {
        name: Scores(tuple(info.names), confusion_matrix(masks, classes, len(info.names)), len(pairs)).miou
        for name, classes in (("miou fp32", expected), ("miou int8", found))
    }
    return json.loads(said.strip().splitlines()[-1]) | {"equal": float((found == expected).mean())} | mious


def vela(python: Path, network: Path, folder: Path) -> list[str]:
    """The lines of its summary that say what runs where, in how much memory, how fast."""
    command = [str(python.parent / "vela"), str(network), "--accelerator-config", ACCELERATOR, "--output-dir", "vela"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    if done.returncode != 0:
        raise ConverterError(done.stderr.strip()[-300:])
    return [re.sub(r"\s+", " ", line) for line in done.stdout.splitlines() if line.startswith(_WANTED)]


def measure(core: Path, known: list[Pixels], unknown: list[Pixels], cache: Path) -> None:
    """Prints all of it. Args: known: to calibrate with.  unknown: to judge with."""
    folder = cache / "micro-network" / core.stem
    network = quantised(core, [image for image, _ in known], folder, install(ONNX2TF, cache))
    python = install(MICRO, cache)
    for name, value in judged(python, network, core, unknown, folder).items():
        print(f"{core.stem}: {name:12} {value:.6g}", flush=True)
    for line in vela(python, network, folder):
        print(f"{core.stem}: {ACCELERATOR}: {line}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--cache", type=Path, required=True, metavar="FOLDER", help="for environments and networks; kept"
    )
    parser.add_argument(
        "--network", choices=NETWORKS, default="qtips", metavar="NAME", help=f"of {', '.join(NETWORKS)}"
    )
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="of photographs, for people-tiny")
    options = parser.parse_args()
    if options.network == "people-tiny" and options.data is None:
        parser.error("--data FOLDER: people-tiny needs the clothing photographs")
    cores = options.cache.resolve() / "networks"
    cores.mkdir(parents=True, exist_ok=True)
    for core in small_cores(options.network, cores):
        known, unknown = (
            small_pairs(core, split, n, options.data) for split, n in (("train", CALIBRATION), ("test", JUDGED))
        )
        measure(core, known, unknown, cores.parent)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
