"""Images per second of `imexseg predict`, and of its network by itself: python -m benchmarks.predict_speed --data FOLDER

FOLDER holds photographs, of which up to a hundred are taken. The shipped Q-tips weights run in torch and, exported,
in onnxruntime on these and on generated images of 64 x 64 px. Three ways take turns on the same images:

    alone         the network, images in memory, one after the other, with as many threads as the library chooses
    side by side  the network, images in memory, one image and one thread a core
    predict       from image files to masks and overlays on the disk

The first two do nothing but turn pixels into classes. predict is to reach 0.9 of `alone`.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from imexseg.data.read.as_trained import as_trained
from imexseg.data.read.images import read_image
from imexseg.data_gen import write_dataset
from imexseg.inference.cores import usable_cores
from imexseg.inference.open import SharedPredictor, open_predictor
from imexseg.inference.pipeline import Job, Wanted, predict_images

WEIGHTS = "qtips"
PHOTOGRAPHS = 100
ROUNDS = 5
BARE_SHARE = 5  # of the Q-tips, one image in so many is enough to see how fast the network is by itself


def alone(predictor: SharedPredictor, images: list[np.ndarray], n: int) -> None:
    for image in images[:n]:
        predictor.segment(image)


def side_by_side(predictor: SharedPredictor, images: list[np.ndarray], n: int) -> None:
    with predictor.threads(1), ThreadPoolExecutor(usable_cores()) as lanes:
        for _ in lanes.map(predictor.segment, images[:n]):
            pass


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(predictor: SharedPredictor, paths: list[Path], share: int, out: Path) -> tuple[float, float, float]:
    """Images per second: alone, side by side, predict. Each round is of other images."""
    spent, counts = np.zeros(3), np.zeros(3)
    for number in range(ROUNDS):
        chosen = paths[number::ROUNDS]
        n = max(1, len(chosen) // share)
        pixels = [as_trained(read_image(path), predictor.info, path)[0] for path in chosen[:n]]
        jobs = [Job(path, out / str(number) / path.stem) for path in chosen]
        ways = (
            lambda pixels=pixels, n=n: alone(predictor, pixels, n),
            lambda pixels=pixels, n=n: side_by_side(predictor, pixels, n),
            lambda jobs=jobs: list(predict_images(predictor, jobs, Wanted())),
        )
        predictor.segment(pixels[0])  # memory is asked for once
        for way, (work, done) in enumerate(zip(ways, (n, n, len(jobs)), strict=True)):
            spent[way] += seconds(work)
            counts[way] += done
    rates = counts / spent
    return float(rates[0]), float(rates[1]), float(rates[2])


def export(target: Path, *options: str) -> Path:
    command = [sys.executable, "-m", "imexseg", "export", WEIGHTS, *options, "--output", str(target)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--images", type=int, default=2000, metavar="N", help="Q-tips (default: 2000)")
    options = parser.parse_args()
    photographs = sorted(path for path in options.data.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
    if len(photographs) < ROUNDS:
        parser.error(f"--data {options.data}: holds {len(photographs)} .jpg files; give a folder of {ROUNDS} or more")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_dataset(folder / "q", "authors", 64, {"train": options.images, "val": 1, "test": 1}, seed=0)
        qtips = sorted((folder / "q/images/train").iterdir())
        fixed, flexible = export(folder / "fixed.onnx"), export(folder / "flexible.onnx", "--dynamic")
        print(f"{usable_cores()} cores, images per second")
        print(f"{'':34}{'alone':>8}{'side by side':>14}{'predict':>9}{'of alone':>10}")
        for what, paths, share, exported in (
            ("Q-tips 64 x 64", qtips, BARE_SHARE, fixed),
            ("photographs", photographs[:PHOTOGRAPHS], 1, flexible),
        ):
            for kind, weights in (("torch", WEIGHTS), ("onnxruntime", str(exported))):
                rates = measure(open_predictor(weights), paths, share, folder / kind / what)
                cells = "".join(f"{rate:{width}.1f}" for rate, width in zip(rates, (8, 14, 9), strict=True))
                print(f"{f'{len(paths)} {what}, {kind}':34}{cells}{rates[2] / rates[0]:10.2f}", flush=True)


if __name__ == "__main__":
    main()
