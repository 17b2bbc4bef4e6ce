"""The same curves as `benchmarks.next` for a network that trains in a second: least squares on frozen features.

    python -m benchmarks.next_frozen --data FOLDER --set facade     computes what is not in results/next.csv yet, then prints
    python -m benchmarks.next_frozen                                prints what is there

The features are those of the encoder efficientnet-lite0 with the weights of ImageNet at its four strides, at a long side of 192
px; on cells of 8 px a linear map to the classes is fitted by ridge regression. It has one solution, so that a curve tells of the
images that were chosen and not of the chances of a training, and many seeds cost little. Beside that rule: k-centre
without doubt (Sener, Savarese 2018), and the most typical image of each large cluster that has no labelled one (Hacohen, Dekel,
Weinshall 2022).
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.next import is_tested, print_table, record, rows
from benchmarks.next_rule import Look, choose
from benchmarks.real_sets import CCP, CCP_TEN

MODEL = "frozen-lite0"
WAYS = ("random", "next", "k-centre", "typical")
SIZES = {"facade": (5, 10, 20, 40), "ccp": (10, 20, 40, 80)}
LONG_SIDE, CELL = 192, 8  # pixels
RIDGE = 30.0
SHARPNESS = 1 / 0.15  # of the softmax that makes a confidence of fitted class indicators
COMPONENTS = 20  # principal ones of the features of whole images, for clusters
IGNORED = 255
Image = tuple[np.ndarray, np.ndarray]  # features of its cells (n, d), pixels of each class in them (n, classes)


@dataclass(frozen=True)
class Data:
    """Of a set: training images that may be chosen, and test images."""

    train: list[Image]
    test: Image  # all of them together
    looks: np.ndarray  # (images, 2 d)


def load(name: str, source: Path) -> Data:
    train, test = (_images(name, source / name, split) for split in ("train", "test"))
    everything = np.concatenate([features for features, _ in train])
    mean, deviation = everything.mean(0), everything.std(0) + 1e-6

    def scaled(image: Image) -> Image:
        return np.concatenate([(image[0] - mean) / deviation, np.ones((len(image[0]), 1), np.float32)], 1), image[1]

    train, test = list(map(scaled, train)), list(map(scaled, test))
    looks = np.stack([np.concatenate([x[:, :-1].mean(0), x[:, :-1].std(0)]) for x, _ in train])
    whole = np.concatenate([x for x, _ in test]), np.concatenate([y for _, y in test])
    return Data(train, whole, looks)


def _images(name: str, folder: Path, split: str) -> list[Image]:
    import torch
    import torch.nn.functional as F

    from imexseg.models.lite0 import Lite0Encoder, lite0_weights

    encoder = Lite0Encoder(3, 32).eval()
    lite0_weights(encoder, 3)
    table = np.arange(256, dtype=np.uint8)
    if name == "ccp":
        table[:] = IGNORED
        for number, labels in enumerate(CCP_TEN.values()):
            table[[CCP.index(label) for label in labels.split()]] = number
    n_classes = len(CCP_TEN) if name == "ccp" else 8
    found = []
    for path in sorted((folder / "images" / split).glob("*.jpg")):
        if split == "test" and not is_tested(name, path.stem):
            continue
        image = cv2.imread(str(path))[..., ::-1]
        mask = table[cv2.imread(str(folder / "masks" / split / f"{path.stem}.png"), cv2.IMREAD_GRAYSCALE)]
        scale = LONG_SIDE / max(image.shape[:2])
        height, width = (32 * max(1, round(side * scale / 32)) for side in image.shape[:2])
        pixels = cv2.resize(np.ascontiguousarray(image), (width, height), interpolation=cv2.INTER_AREA)
        grid = (height // CELL, width // CELL)
        with torch.inference_mode():
            stages = encoder(torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 127.5 - 1)
            modes = ["area" if stage.shape[-1] > grid[1] else "bilinear" for stage in stages]
            same = [F.interpolate(stage, size=grid, mode=mode) for stage, mode in zip(stages, modes, strict=True)]
        features = torch.cat(same, 1)[0].flatten(1).T.numpy().astype(np.float32)
        mask = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST)
        cells = [(mask == c).reshape(grid[0], CELL, grid[1], CELL).sum((1, 3)).ravel() for c in range(n_classes)]
        found.append((features, np.stack(cells, 1).astype(np.float32)))
    return found


def fitted(data: Data, chosen: list[int]) -> np.ndarray:
    """Shapes: → (d, classes)."""
    features, pixels = (np.concatenate([data.train[number][part] for number in chosen]) for part in (0, 1))
    total = pixels.sum(1, keepdims=True)
    counted = features * (total > 0)
    left, right = counted.T @ features, counted.T @ (pixels / np.maximum(total, 1))
    return np.linalg.solve(left + RIDGE * np.eye(len(left)), right)


def miou(data: Data, weights: np.ndarray) -> float:
    features, pixels = data.test
    said = (features @ weights).argmax(1)
    confusion = np.stack([pixels[said == c].sum(0) for c in range(pixels.shape[1])], 1)
    hits, either = np.diag(confusion), confusion.sum(0) + confusion.sum(1) - np.diag(confusion)
    return float((hits[either > 0] / either[either > 0]).mean())


def selected(
    way: str, data: Data, chosen: list[int], rest: list[int], n: int, weights: np.ndarray, random: np.random.Generator
) -> list[int]:
    """Args: rest: in the order of the lot."""
    if way == "random":
        return rest[:n]
    if way == "typical":
        return _typical(data, chosen, rest, n, random)
    known = [Look(0.5, data.looks[number]) for number in chosen]
    sure = [_confidence(data.train[number][0], weights) if way == "next" else 0.5 for number in rest]
    others = [Look(share, data.looks[number]) for share, number in zip(sure, rest, strict=True)]
    return [rest[choice.number] for choice in choose(n, known, others)]


def _confidence(features: np.ndarray, weights: np.ndarray) -> float:
    scores = SHARPNESS * (features @ weights)
    return float((1 / np.exp(scores - scores.max(1, keepdims=True)).sum(1)).mean())


def _typical(data: Data, chosen: list[int], rest: list[int], n: int, random: np.random.Generator) -> list[int]:
    centred = data.looks - data.looks.mean(0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    points = left[:, :COMPONENTS] * values[:COMPONENTS]
    centres = points[random.choice(len(points), len(chosen) + n, replace=False)]
    for _ in range(30):  # Lloyd's iteration
        cluster = ((points[:, None] - centres[None]) ** 2).sum(-1).argmin(1)
        centres = np.stack(
            [points[cluster == j].mean(0) if (cluster == j).any() else centres[j] for j in range(len(centres))]
        )
    covered = set(cluster[chosen].tolist())
    order = sorted(set(range(len(centres))) - covered, key=lambda j: -int((cluster == j).sum()))
    found = []
    for j in order[:n]:
        members = [number for number in rest if cluster[number] == j]
        if members:
            found.append(min(members, key=lambda number: float(((points[number] - centres[j]) ** 2).sum())))
    return found + [number for number in rest if number not in set(found)][: n - len(found)]


def run(name: str, source: Path, seeds: int) -> None:
    data = load(name, source)
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(data.train)).tolist()
        for way in WAYS:
            random, chosen = np.random.default_rng(100 + seed), order[: SIZES[name][0]]
            weights = fitted(data, chosen)
            for size in SIZES[name]:
                if size > len(chosen):
                    rest = [number for number in order if number not in set(chosen)]
                    chosen = chosen + selected(way, data, chosen, rest, size - len(chosen), weights, random)
                    weights = fitted(data, chosen)
                key = {"set": name, "model": MODEL, "steps": 0, "seed": seed, "way": way, "images": size}
                record(key | {"test_miou": miou(data, weights), "val_miou": "", "seconds": 0.0})
        print(f"{name}, seed {seed}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--set", choices=list(SIZES), action="append")
    parser.add_argument("--seeds", type=int, default=6)
    options = parser.parse_args()
    for name in (options.set or list(SIZES)) if options.data else []:
        done = {row["seed"] for row in rows() if (row["set"], row["model"]) == (name, MODEL)}
        if len(done) < options.seeds:
            run(name, options.data, options.seeds)
    print_table()


if __name__ == "__main__":
    main()
