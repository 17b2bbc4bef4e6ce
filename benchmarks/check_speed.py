"""Seconds that `imexseg check` takes for 10 000 files of photographs: python -m benchmarks.check_speed --data FOLDER

FOLDER holds images/train and masks/train, for instance CamVid; they are linked to as often as it takes.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

FILES = 10_000


def link_often(source: Path, target: Path) -> int:
    """Pairs of links until there are enough files, one pair in ten for validation. Returns: the number of files."""
    pairs = [
        (image, source / "masks/train" / f"{image.stem}.png") for image in sorted((source / "images/train").iterdir())
    ]
    for split in ("train", "val"):
        for half in ("images", "masks"):
            (target / half / split).mkdir(parents=True)
    for number in range(FILES // 2):
        split = "val" if number % 10 == 0 else "train"
        for half, file in zip(("images", "masks"), pairs[number % len(pairs)], strict=True):
            (target / half / split / f"{number}{file.suffix}").symlink_to(file.resolve())
    return FILES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        n_files = link_often(options.data, Path(folder))
        (Path(folder) / "data.yaml").write_text(yaml.safe_dump({"names": [f"class {k}" for k in range(254)]}))
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "imexseg", "check", folder], check=False, stdout=subprocess.DEVNULL)
        print(f"{n_files} files checked in {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
