"""Large images through `imexseg predict` without flags: memory at most, and seconds beside those of the network by itself.

    python -m benchmarks.tiled_memory                                        20 000 x 20 000 px, qtips-pile and people-lite0
    python -m benchmarks.tiled_memory --weights qtips --size 8000x8000 --suffix .png --max-memory 1GiB --exported

Writes an image (.tif: tiled and compressed), segments it in a process of its own, and prints what that had resident at most. The
network alone is given a piece of 1024 x 1024 px, three times before and three times after; the fastest counts. For weights
that see every image at one scale this says little. Cores are all that the process may use (`taskset`).
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import tifffile

from imexseg.inference.open import SharedPredictor, open_predictor

ALONE = 1024  # pixels: side of what the network alone is given
ROUNDS = 3
SMALL = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def pattern(height: int, width: int, channels: int) -> np.ndarray:
    """With structure at every scale up to 512 pixels. Shapes: → (H, W) or (H, W, 3) uint8."""
    noise = np.random.default_rng(0).integers(0, 256, (512, 512, channels)).astype(np.uint8)
    piece = cv2.GaussianBlur(noise, (0, 0), 5).reshape(noise.shape)
    image = np.tile(piece, (height // 512 + 1, width // 512 + 1, 1))[:height, :width]
    return image if channels == 3 else image[..., 0]


def write_image(path: Path, image: np.ndarray) -> None:
    if path.suffix == ".tif":
        photometric = "rgb" if image.ndim == 3 else "minisblack"
        tifffile.imwrite(path, image, tile=(256, 256), compression="zlib", photometric=photometric)
    else:
        cv2.imwrite(str(path), image, [cv2.IMWRITE_PNG_COMPRESSION, 1])


def alone(predictor: SharedPredictor) -> float:
    """Seconds per megapixel of the network by itself, at best."""
    image = pattern(ALONE, ALONE, predictor.info.in_channels).reshape(ALONE, ALONE, -1)
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter()
        predictor.segment(image)
        best = min(best, time.perf_counter() - started)
    return best * 1e6 / ALONE**2


def imexseg(*arguments: object) -> tuple[float, float]:
    """Seconds that a command takes, and MiB that it has resident at most.

    A process inherits the most that the one had which starts it, so that is a small one.
    """
    started = time.monotonic()
    command = [sys.executable, "-c", SMALL, sys.executable, "-m", "imexseg", *map(str, arguments)]
    kilobytes = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return time.monotonic() - started, int(kilobytes.split()[-1]) / 1024


def measure(weights: str, size: tuple[int, int], suffix: str, exported: bool, options: list[str], folder: Path) -> str:
    """A row of the table. Raises: CalledProcessError."""
    if exported:
        imexseg("export", weights, "--dynamic", "--output", folder / f"{weights}.onnx")
        weights = str(folder / f"{weights}.onnx")
    predictor = open_predictor(weights)
    path = folder / f"large{suffix}"
    write_image(path, pattern(*size, predictor.info.in_channels))
    before = alone(predictor)
    seconds, peak = imexseg("predict", path, "--weights", weights, "--output", folder / "out", *options)
    network = min(before, alone(predictor))
    megapixels = size[0] * size[1] / 1e6
    return (
        f"{Path(weights).name}, {size[1]} x {size[0]} px {suffix}: {peak:.0f} MiB at most, {seconds:.0f} s, "
        f"{seconds / megapixels:.3f} s per megapixel; the network alone {network:.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", nargs="+", default=["qtips-pile", "people-lite0"], metavar="NAME")
    parser.add_argument("--size", default="20000x20000", metavar="HxW")
    parser.add_argument("--suffix", choices=[".tif", ".png"], default=".tif")
    parser.add_argument("--exported", action="store_true", help="in onnxruntime")
    parser.add_argument("--max-memory", metavar="SIZE")
    options = parser.parse_args()
    height, width = map(int, options.size.split("x"))
    more = ["--max-memory", options.max_memory] if options.max_memory else []
    for weights in options.weights:
        with tempfile.TemporaryDirectory() as name:
            row = measure(weights, (height, width), options.suffix, options.exported, more, Path(name))
        print(row, flush=True)


if __name__ == "__main__":
    main()
