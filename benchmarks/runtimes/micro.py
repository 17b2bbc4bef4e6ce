"""A network in int8 in the interpreter of microcontrollers: its arena, its classes, and what Vela expects of an Ethos-U55.

    python -m benchmarks.runtimes.micro --cache FOLDER

All of it is simulated on this machine. Calibrated on Q-tips of the training split, judged on others.
"""

import argparse
import json
import re
import subprocess
import warnings
from pathlib import Path

import numpy as np

from benchmarks.runtimes.engines import ConverterError, Engine, convert, install, spoken
from benchmarks.runtimes.networks import NETWORKS, prepare
from benchmarks.runtimes.right_products import rewrite
from imexseg.evaluation.evaluate import confusion_matrix
from imexseg.evaluation.scores import Scores
from imexseg.export.sample_images import generated_pairs
from imexseg.inference.core import prepared
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
NETWORK = "qtips"
CALIBRATION, JUDGED = 64, 64  # images
ACCELERATOR = "ethos-u55-128"
_WANTED = ("Total SRAM used", "Total Off-chip Flash used", "CPU operators", "NPU operators", "Batch Inference time")


def quantised(core: Path, predictor: OnnxPredictor, folder: Path, python: Path) -> Path:
    """The .tflite with int8 from input to logits."""
    folder.mkdir(parents=True, exist_ok=True)
    target, rewritten = folder / f"{core.stem}-int8.tflite", folder / core.name
    if not target.is_file():
        assert predictor.info.size is not None
        images = [image for image, _ in generated_pairs(predictor.info, predictor.info.size, CALIBRATION, "train")]
        calibration = np.concatenate([prepared(image[None], predictor.info) for image in images])
        np.save(folder / "calibration.npy", calibration.transpose(0, 2, 3, 1))
        rewrite(core, rewritten)
        convert(ONNX2TF, python, rewritten, folder / "tf", 3000)
        script = ONNX2TF.worker.with_name("onnx2tf_int8_.py")
        spoken([str(python), str(script), "tf", "calibration.npy", target.name], folder, 3000)
    return target


def judged(python: Path, network: Path, predictor: OnnxPredictor, folder: Path) -> dict[str, float]:
    """Arena, and the classes beside those of onnxruntime in fp32 and beside the truth."""
    info = predictor.info
    assert info.size is not None
    pairs = list(generated_pairs(info, info.size, JUDGED, "test"))
    np.savez(folder / "test.npz", given=np.concatenate([prepared(image[None], info) for image, _ in pairs]))
    said = spoken([str(python), str(MICRO.worker), str(network), str(folder / "test.npz")], folder, 3000)
    found = np.load(folder / "test.npy")
    expected = np.stack([predictor.classes(image) for image, _ in pairs])
    masks = np.stack([mask for _, mask in pairs])
    mious = {
        name: Scores(tuple(info.names), confusion_matrix(masks, classes, len(info.names)), JUDGED).miou
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--cache", type=Path, required=True, metavar="FOLDER", help="for environments and networks; kept"
    )
    cache = parser.parse_args().cache.resolve()
    (cache / "networks").mkdir(parents=True, exist_ok=True)
    (compared,) = (network for network in NETWORKS if network.name == NETWORK)
    core = prepare(compared, cache / "networks")
    predictor = OnnxPredictor(core)
    folder = cache / "micro-network"
    network = quantised(core, predictor, folder, install(ONNX2TF, cache))
    python = install(MICRO, cache)
    for name, value in judged(python, network, predictor, folder).items():
        print(f"{name:12} {value:.6g}")
    for line in vela(python, network, folder):
        print(f"{ACCELERATOR}: {line}")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
