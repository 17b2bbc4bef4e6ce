"""Seconds and bytes as people write them: 30m, 1h30m, 100kB. Imports nothing."""

import math
import re

_SECONDS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 1, "kB": 1000} | {
    f"{prefix}{end}": base**power for power, prefix in enumerate("KMGT", 1) for end, base in (("B", 1000), ("iB", 1024))
}
_SIZE = re.compile(r"(\d{1,12}(?:\.\d{1,9})?) ?([kKMGT]?i?B)")
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([a-z]*)\s*")


def seconds(text: str | float) -> float:
    """30m, 90s, 1h30m, 1.5h; a number alone is seconds. Raises: ValueError for anything that is not a time above 0."""
    parts = _parts(str(text), {"": 1.0} | _SECONDS)
    if not parts or not 0 < sum(parts) < math.inf:
        raise ValueError(f"{str(text)[:40]!r} is not a time above 0; write for instance 90s, 30m or 1h30m")
    return sum(parts)


def n_bytes(text: str) -> int:
    """100kB, 2.5MB, 2GiB. Raises: ValueError for anything that is not a size above 0, or that has no unit."""
    found = _SIZE.fullmatch(text)
    size = round(float(found[1]) * _BYTES.get(found[2], 0)) if found else 0
    if size < 1:
        raise ValueError(
            f"{text[:40]!r} is not a size above 0; give a number and its unit, such as 100kB, 500MB or 2GiB"
        )
    return size


def _parts(text: str, units: dict[str, float]) -> list[float]:
    """Each number times its unit; [] if anything in the text is neither."""
    lowered, found, place = text.strip().lower(), [], 0
    while place < len(lowered):
        part = _PART.match(lowered, place)
        if part is None or part[2] not in units:
            return []
        found.append(float(part[1]) * units[part[2]])
        place = part.end()
    return found


def in_time(value: float) -> str:
    """45 s, 12 min, 2 h 5 min."""
    if value < 99.5:
        return f"{value:.0f} s" if value >= 9.95 else f"{value:.1f} s"
    minutes = round(value / 60)
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def in_bytes(value: float) -> str:
    """84 kB, 3.5 MB."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= 0.9995 * size:
            return f"{value / size:.3g} {unit}" if value < 999.5 * size else f"{value / size:.0f} {unit}"
    return f"{value:.0f} bytes"


def in_memory(n_bytes: int) -> str:
    """1.5 GiB, 640 MiB; rounded up."""
    if n_bytes >= 1 << 30:
        return f"{-(-n_bytes * 100 // (1 << 30)) / 100:g} GiB"
    return f"{-(-n_bytes // (1 << 20))} MiB"
