"""The sets of real images at the sizes of the tables."""

from pathlib import Path

from benchmarks.real_sets import as_it_is, copied, data_yaml

FOLDER = Path("runs/photographs")
# Height, width of the copies; None: the images as they are.
SIZES: dict[str, tuple[int, int] | None] = {
    "ccp-original": None,
    "vessels-original": None,
    "camvid": (240, 320),
    "camvid-small": (192, 256),
    "ccp-small": (192, 128),
    "ccp-96": (96, 96),  # squeezed, for microcontrollers
    # Of the shoot-out: one size for all images of a set, and its half.
    "facade-128": (96, 128),
    "ccp-144": (144, 96),
    "tiles-128": (128, 128),
    "camvid-128": (96, 128),
    "vessels-192": (160, 192),
    "facade-128-half": (48, 64),
    "ccp-144-half": (72, 48),
    "tiles-128-half": (64, 64),
    "camvid-128-half": (48, 64),
    "vessels-192-half": (80, 96),
}


def prepare(name: str, source: Path) -> None:
    """The set at the size of the table, in FOLDER."""
    folder, kind, size = FOLDER / name, name.split("-")[0], SIZES[name]
    if (folder / "data.yaml").exists():
        return
    if size is None:
        as_it_is(kind, source, folder)
    else:
        copied(source / kind, folder, lambda height, width: size)
        (folder / "data.yaml").write_text(data_yaml(kind))
