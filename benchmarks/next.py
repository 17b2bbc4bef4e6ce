"""Whether it pays to choose which images to label: test mIoU against their number, chosen by a rule and at random.

    python -m benchmarks.next --data FOLDER --set facade          trains what is not in results/next.csv yet, then prints
    python -m benchmarks.next                                     prints what is there

The rule, in benchmarks/next_rule.py, takes images that the network is unsure of and that are unlike the labelled ones. It was
built as a command, `imexseg next`, and taken out again, because it does not pay (docs/figures.md).

FOLDER holds ccp/ and facade/, each with images/ and masks/. Both ways begin with the same images, drawn at random for each seed;
after each round as many images are added as the list of sizes says. Every training takes the same number of steps, so that more
images do not mean more computing. Copies at a long side of 128 px, and the runs, stay in runs/next; of facade's test images a
third are used. Masks of images that have not been chosen are not looked at.
"""

import argparse
import csv
import shutil
import statistics
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml

from benchmarks.real_sets import CCP, CCP_TEN
from benchmarks.training_runs import Job, train_once

FOLDER = Path("runs/next")
RESULTS = Path(__file__).parent / "results" / "next.csv"
COLUMNS = ["set", "model", "steps", "seed", "way", "images", "test_miou", "val_miou", "seconds"]
LONG_SIDE = 128
SIZES = {"facade": (10, 20, 40), "ccp": (20, 40, 80)}
FACADE = ["building", "car", "door", "pavement", "road", "sky", "vegetation", "window"]
BATCH = 5
EPOCHS = 10  # of as many steps, whatever the number of images: in each, every image is seen equally often


def small_copy(name: str, source: Path) -> Path:
    """Images averaged, masks by the nearest pixel."""
    folder = FOLDER / name / "all"
    if (folder / "data.yaml").exists():
        return folder
    for path in sorted((source / name).glob("*/*/*.*")):
        if path.parts[-2] == "test" and not is_tested(name, path.stem):
            continue
        is_mask = path.parts[-3] == "masks"
        pixels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE if is_mask else cv2.IMREAD_COLOR)
        scale = LONG_SIDE / max(pixels.shape[:2])
        size = [max(1, round(side * scale)) for side in pixels.shape[1::-1]]
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_NEAREST if is_mask else cv2.INTER_AREA)
        target = folder / path.relative_to(source / name).with_suffix(".png")
        target.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(target), pixels)
    description: dict[str, Any] = {"names": FACADE if name == "facade" else CCP}
    if name == "ccp":
        description["classes"] = {name: labels.split() for name, labels in CCP_TEN.items()}
    (folder / "data.yaml").write_text(yaml.safe_dump(description, sort_keys=False))
    return folder


def is_tested(name: str, stem: str) -> bool:
    """Of facade's 845 test images a third, drawn by their names."""
    return name != "facade" or zlib.crc32(stem.encode()) % 3 == 0


def train(everything: Path, chosen: list[str], folder: Path, options: argparse.Namespace, seed: int) -> dict[str, Any]:
    """On the chosen images alone, several times an epoch; validation and test as they are."""
    data = folder / "data"
    if not (data / "data.yaml").exists():
        shutil.rmtree(data, ignore_errors=True)
        for kind in ("images", "masks"):
            (data / kind / "train").mkdir(parents=True)
            for stem in chosen:
                for copy in range(round(options.steps * BATCH / EPOCHS / len(chosen))):
                    link = data / kind / "train" / f"{stem}-{copy}.png"
                    link.symlink_to((everything / kind / f"train/{stem}.png").resolve())
            for split in ("val", "test"):
                (data / kind / split).symlink_to((everything / kind / split).resolve(), target_is_directory=True)
        shutil.copy(everything / "data.yaml", data)
    settings = {
        "data": data,
        "model": options.model,
        "epochs": EPOCHS,
        "batch_size": BATCH,
        "learning_rate": options.learning_rate,
        "augmentation": "light",
        "seed": seed,
    }
    return train_once(Job(folder / "run", settings, test=True))


def chosen_next(n: int, everything: Path, chosen: list[str], rest: list[str], weights: Path) -> list[str]:
    from benchmarks.next_rule import choose, look_at
    from imexseg.data.read.images import read_image
    from imexseg.models.artefact import load

    network = load(weights)
    looks = [look_at(network, read_image(everything / f"images/train/{stem}.png")) for stem in (*chosen, *rest)]
    return [rest[choice.number] for choice in choose(n, looks[: len(chosen)], looks[len(chosen) :])]


def run(name: str, options: argparse.Namespace) -> None:
    everything = small_copy(name, options.data)
    pool = sorted(path.stem for path in (everything / "images/train").glob("*.png"))
    sizes = SIZES[name]
    for seed in options.seeds:
        random = np.random.default_rng(seed)
        order = random.permutation(pool).tolist()
        for way in ("random", "next"):
            chosen, weights = order[: sizes[0]], Path()
            for size in sizes:
                shared = way if size > sizes[0] else "random"  # both begin with the same run
                folder = FOLDER / name / f"{options.model}-{options.steps}-{seed}-{shared}-{size}"
                if size > len(chosen):
                    rest = [stem for stem in order if stem not in set(chosen)]  # in the order of the lot
                    more = size - len(chosen)
                    chosen = chosen + (
                        rest[:more] if way == "random" else chosen_next(more, everything, chosen, rest, weights)
                    )
                key = {"set": name, "model": options.model, "steps": options.steps, "seed": seed, "way": way}
                weights = folder / "run/best.safetensors"
                if not any(_same(row, key | {"images": size}) for row in rows()) or not weights.exists():
                    found = train(everything, chosen, folder, options, seed)
                    scores = {"test_miou": found["test_miou"], "val_miou": found["miou"]}
                    record(key | {"images": size, **scores, "seconds": found["seconds"]})


def rows() -> list[dict[str, str]]:
    if not RESULTS.exists():
        return []
    with open(RESULTS, newline="") as file:
        return list(csv.DictReader(file))


def _same(row: dict[str, str], key: dict[str, Any]) -> bool:
    return all(row[name] == str(value) for name, value in key.items())


def record(row: dict[str, Any]) -> None:
    """One line more, unless it is there."""
    if any(_same(old, {name: row[name] for name in COLUMNS[:6]}) for old in rows()):
        return
    RESULTS.parent.mkdir(exist_ok=True)
    is_new = not RESULTS.exists()
    with open(RESULTS, "a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if is_new:
            writer.writeheader()
        shown = {name: f"{value:.4f}" if isinstance(value, float) else value for name, value in row.items()}
        writer.writerow(shown | {"seconds": f"{row['seconds']:.0f}"})


def print_table() -> None:
    """Means over seeds; behind each way how much better than chance it was, seed by seed, and the standard error of that."""
    found = rows()
    ways = list(dict.fromkeys(row["way"] for row in found))
    print("| set | network | seeds | labelled images | " + " | ".join(ways) + " |")
    print("|---" * (4 + len(ways)) + "|")
    for name, model, images in sorted({(row["set"], row["model"], int(row["images"])) for row in found}):
        key = {"set": name, "model": model, "images": images}
        of = {
            way: {row["seed"]: 100 * float(row["test_miou"]) for row in found if _same(row, key | {"way": way})}
            for way in ways
        }
        seeds = sorted(set.intersection(*(set(scores) for scores in of.values() if scores)))
        cells = [
            _against([of[way][seed] for seed in seeds], [of["random"][seed] for seed in seeds]) if of[way] else ""
            for way in ways
        ]
        print(f"| {name} | {model} | {len(seeds)} | {images} | " + " | ".join(cells) + " |")


def _against(scores: list[float], chance: list[float]) -> str:
    gains = [score - other for score, other in zip(scores, chance, strict=True)]
    error = f" ± {statistics.stdev(gains) / len(gains) ** 0.5:.1f}" if len(gains) > 1 else ""
    return f"{statistics.mean(scores):.1f}" + (f" ({statistics.mean(gains):+.1f}{error})" if scores != chance else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--set", choices=list(SIZES), action="append")
    parser.add_argument("--model", default="imex-residual-lean-photo-tiny")
    parser.add_argument("--learning-rate", type=float, default=1e-2)
    parser.add_argument("--steps", type=int, default=300, help="of every training")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    for name in (options.set or list(SIZES)) if options.data else []:
        run(name, options)
    print_table()


if __name__ == "__main__":
    main()
