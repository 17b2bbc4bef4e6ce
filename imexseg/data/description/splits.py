"""Validation and test splits for data that has none: seeded, with identical files kept in the same split."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from imexseg.data.description.data_yaml import SplitRule

_SAMPLE = 1 << 16  # bytes at the beginning, in the middle and at the end of a file that are compared


def assign_splits(images: Mapping[str, Path], rule: SplitRule) -> dict[str, str]:
    """Key of each image ↦ train, val or test.

    What a file falls into depends on seed, its key and how many there are, not on the order of the folder. Files of equal
    size and equal samples of their content are taken for copies and fall into one split.
    """
    groups: dict[object, list[str]] = {}
    by_size: dict[int, list[str]] = {}
    for key, path in images.items():
        by_size.setdefault(path.stat().st_size, []).append(key)
    for size, keys in by_size.items():
        for key in keys:
            group = (size, _fingerprint(images[key], size)) if len(keys) > 1 else key
            groups.setdefault(group, []).append(key)
    in_order = sorted(groups.values(), key=lambda keys: _draw(rule.seed, min(keys)))
    splits: dict[str, str] = {}
    wanted = {"test": round(rule.test * len(images)), "val": round(rule.val * len(images))}
    if rule.val:
        wanted["val"] = max(1, wanted["val"])
    for number, keys in enumerate(in_order, start=1):
        split = next((name for name, left in wanted.items() if left > 0), "train")
        if number == len(in_order) and "train" not in splits.values():
            split = "train"
        if split != "train":
            wanted[split] -= len(keys)
        splits |= dict.fromkeys(keys, split)
    return splits


def _draw(seed: int, key: str) -> bytes:
    return hashlib.sha256(f"{seed}/{key}".encode(errors="surrogateescape")).digest()


def _fingerprint(path: Path, size: int) -> bytes:
    digest = hashlib.blake2b()
    try:
        with open(path, "rb") as file:
            for start in sorted({0, max(0, size // 2 - _SAMPLE // 2), max(0, size - _SAMPLE)}):
                file.seek(start)
                digest.update(file.read(_SAMPLE))
    except OSError:  # said by whoever reads the image
        digest.update(str(path).encode(errors="surrogateescape"))
    return digest.digest()
