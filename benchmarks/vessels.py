"""Arteries and veins, vessel by vessel: trained on HRF, tested on LES-AV, which another camera took in another clinic.

    python -m benchmarks.vessels --data FOLDER      train what is not in benchmarks/results/vessels.csv yet, one after the other
    python -m benchmarks.vessels table
    python -m benchmarks.vessels pictures           the worst images: segments drawn green if right, red if wrong, blue if missed

A pixel of a vessel is ambiguous, its vessel is not: all of a vessel is artery or all of it is vein. So what counts is the share
of segments that are called wrongly. A segment is a connected piece of the skeleton of the true vessels between crossings,
branchings and what is uncertain (255); its class is that of most of its points, in truth and in prediction. Where no point of a
segment is called a vessel, it is missed, and counts apart. The networks are those of benchmarks.shootout at stride 2.
"""

import argparse
import itertools
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from skimage.measure import label
from skimage.morphology import skeletonize

from benchmarks.contenders.network import NAMES, PREFIX, register
from benchmarks.photograph_data import FOLDER, prepare
from benchmarks.results_file import FOLDER as RESULTS
from benchmarks.results_file import ResultsFile, commit
from benchmarks.training_runs import Job, train_whole

RUNS = Path("runs/vessels")
DATA, CROP, IMAGES, EPOCHS = "vessels-original", 256, 152, 30
ARTERY, VEIN, UNCERTAIN = 1, 2, 255
SHORTEST = 10  # points of a segment
EIGHT = np.ones((3, 3), np.uint8)
PARTS = ("solve-zero", "nothing", "coarse-branch", "heat")
FILE = ResultsFile(
    RESULTS / "vessels.csv",
    ("part", "epochs", "seed"),
    ("parameters", "val_miou", "test_miou", "segments", "wrong", "missed", "seconds", "commit"),
)


def segments(truth: np.ndarray) -> np.ndarray:
    """Numbers of the segments, 0 where there is none. Shapes: truth (H, W) uint8 → (H, W) int."""
    vessel = np.isin(truth, (ARTERY, VEIN, UNCERTAIN))
    skeleton = skeletonize(vessel)
    neighbours = cv2.filter2D(skeleton.astype(np.uint8), -1, EIGHT, borderType=cv2.BORDER_CONSTANT) - skeleton
    branching = (skeleton & (neighbours > 2)).astype(np.uint8)
    apart = cv2.dilate(branching, EIGHT) | cv2.dilate((truth == UNCERTAIN).astype(np.uint8), EIGHT)
    numbers = label(skeleton & (apart == 0), connectivity=2)
    long_enough = np.bincount(numbers.ravel()) >= SHORTEST
    long_enough[0] = False
    return np.where(long_enough[numbers], numbers, 0)


def verdicts(truth: np.ndarray, prediction: np.ndarray) -> tuple[np.ndarray, dict[int, str]]:
    """segments(truth), and of each: right, wrong or missed. Shapes: (H, W) class numbers, both."""
    numbers = segments(truth)
    found = {}
    for number in np.unique(numbers[numbers > 0]):
        here = numbers == number
        true, called = (np.bincount(mask[here], minlength=3) for mask in (truth, prediction))
        if not called[[ARTERY, VEIN]].any():
            found[int(number)] = "missed"
            continue
        same = true[ARTERY] >= true[VEIN], called[ARTERY] >= called[VEIN]
        found[int(number)] = "right" if same[0] == same[1] else "wrong"
    return numbers, found


def on_test(weights: Path) -> tuple[list[str], list[tuple[float, Path, np.ndarray]]]:
    """Verdicts over all segments of the test split; (share wrong, image, picture) of each image."""
    from imexseg.data.description.data_yaml import load_description
    from imexseg.data.pairs.pairs import list_pairs
    from imexseg.evaluation.evaluate import read_pair
    from imexseg.inference.open import open_predictor

    description, predictor = load_description(FOLDER / DATA), open_predictor(str(weights))
    said: list[str] = []
    pictures = []
    for pair in list_pairs(description, "test"):
        image, truth = read_pair(pair, description.names)
        numbers, found = verdicts(truth, predictor.predict(image, pair.image).classes)
        said += found.values()
        picture = (image[..., :3] // 2).copy()
        for number, verdict in found.items():
            colour = {"right": (0, 255, 0), "wrong": (255, 0, 0), "missed": (80, 80, 255)}[verdict]
            picture[cv2.dilate((numbers == number).astype(np.uint8), EIGHT) > 0] = colour
        pictures.append((list(found.values()).count("wrong") / max(1, len(found)), pair.image, picture))
    return said, pictures


def measure(key: dict[str, Any], source: Path) -> dict[str, Any]:
    """One row."""
    prepare(DATA, source)
    folder = RUNS / "-".join(map(str, key.values()))
    settings = {"data": FOLDER / DATA, "model": f"{PREFIX}{key['part']}:photo-tiny", "network": {"stride": 2}}
    settings |= {"epochs": key["epochs"], "seed": key["seed"], "crop": CROP, "images_per_epoch": IMAGES}
    settings |= {"learning_rate": 1e-2, "weight_decay": 1e-2, "batch_size": 4, "augmentation": "symmetries"}
    found = train_whole(Job(folder, settings, test=True))
    said, _ = on_test(folder / "best.safetensors")
    called = len(said) - said.count("missed")
    row = key | {name: f"{found[of]:.5f}" for name, of in (("val_miou", "miou"), ("test_miou", "test_miou"))}
    shares = {"wrong": said.count("wrong") / max(1, called), "missed": said.count("missed") / max(1, len(said))}
    row |= {name: f"{share:.5f}" for name, share in shares.items()} | {"segments": len(said)}
    return row | {"parameters": found["parameters"], "seconds": f"{found['seconds']:.1f}", "commit": commit()}


def table() -> None:
    print("| part | parameters | epochs | seed | test mIoU | segments | wrong, of those called | missed |")
    print("|---|---|---|---|---|---|---|---|")
    for row in FILE.rows():
        percent = [f"{100 * float(row[name]):.1f}" for name in ("test_miou", "wrong", "missed")]
        head = f"| {row['part']} | {row['parameters']} | {row['epochs']} | {row['seed']} | {percent[0]}"
        print(f"{head} | {row['segments']} | {percent[1]} % | {percent[2]} % |")


def pictures() -> None:
    """Of each trained network, its three worst images."""
    for weights in sorted(RUNS.glob("*/best.safetensors")):
        for share, path, picture in sorted(on_test(weights)[1], key=lambda one: -one[0])[:3]:
            target = weights.parent / f"{path.stem}-segments.png"
            cv2.imwrite(str(target), picture[..., ::-1])
            print(f"{target}: {share:.0%} wrong")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", nargs="?", choices=["run", "table", "pictures"], default="run")
    parser.add_argument("--data", type=Path, metavar="FOLDER")
    parser.add_argument("--parts", nargs="+", choices=NAMES, default=PARTS)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    options = parser.parse_args()
    register()
    if options.command != "run":
        return table() if options.command == "table" else pictures()
    if options.data is None:
        parser.error("--data FOLDER is needed, with vessels/ in it")
    for seed, part in itertools.product(options.seeds, options.parts):
        key = dict(zip(FILE.keys, (part, options.epochs, seed), strict=True))
        if key not in FILE:
            FILE.add(measure(key, options.data))
            print(FILE.rows()[-1], flush=True)
    return None


if __name__ == "__main__":
    main()
