"""Lists of colours and names as people keep them: `128 64 128 road`, `road,128,64,128`, CVAT's `road:128,64,128::`."""

import re
from pathlib import Path

from imexseg.data.description.palette import Colour
from imexseg.errors import UsageError

LARGEST_LIST = 1 << 20  # bytes


def read_colour_list(path: Path) -> dict[str, Colour]:
    """Name ↦ colour, in the order of the file: on each line three numbers of 0 to 255 together, before or after a name.

    Empty lines, `#` comments without numbers and a line of titles are passed over.
    Raises: UsageError naming the file and the line.
    """
    try:
        if path.stat().st_size > LARGEST_LIST:
            raise UsageError(f"{path}: is too large for a list of colours; give one line for each class")
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read ({error.strerror}); give a file with lines like `128 64 128 road`"
        ) from None
    except ValueError:
        raise UsageError(f"{path}: is not text; give a file with lines like `128 64 128 road`") from None
    colours: dict[str, Colour] = {}
    for number, line in enumerate(lines, start=1):
        if not any(character.isdigit() for character in line) or line.startswith("#"):
            continue
        match = re.search(r"(?<![\w.-])(\d{1,3})[\s,;]+(\d{1,3})[\s,;]+(\d{1,3})(?![\w.])", line)
        if match is None or max(map(int, match.groups())) > 255:
            raise UsageError(f"{path}: line {number} has no three numbers of 0 to 255: {line.strip()[:80]!r}")
        name = (line[: match.start()] + " " + line[match.end() :]).strip(" \t,;:\"'")
        if not name:
            raise UsageError(f"{path}: line {number} has no name: {line.strip()[:80]!r}")
        if name in colours:
            raise UsageError(f"{path}: line {number}: {name!r} stands there twice; keep one")
        red, green, blue = (int(group) for group in match.groups())
        colours[name] = (red, green, blue)
    if len(colours) < 2:
        raise UsageError(f"{path}: has {len(colours)} colours; give at least two lines like `128 64 128 road`")
    return colours
