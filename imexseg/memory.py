"""Sizes of memory as people write them."""

import re

EXPECTED = "a size of memory; give a number and its unit, such as 2GiB or 500MB"
_UNITS = {
    f"{prefix}{end}": base**power for power, prefix in enumerate("KMGT", 1) for end, base in (("B", 1000), ("iB", 1024))
}


def bytes_of(text: str) -> int:
    """2GiB, 1.5GB, 500MB. Raises: ValueError for anything else."""
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?) ?([KMGT]i?B)", text)
    if found is None:
        raise ValueError(f"{text!r} is not {EXPECTED}")
    return round(float(found[1]) * _UNITS[found[2]])


def in_units(n_bytes: int) -> str:
    """1.5 GiB, 640 MiB; rounded up."""
    if n_bytes >= 1 << 30:
        return f"{-(-n_bytes * 100 // (1 << 30)) / 100:g} GiB"
    return f"{-(-n_bytes // (1 << 20))} MiB"
