"""How many pixels of an image have each class: from class numbers, or from a mask that was written; a table of many images."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imexseg.data.description.labels import IGNORE
from imexseg.data.read.images import read_image
from imexseg.errors import UsageError
from imexseg.inference.write_mask import ignored_value
from imexseg.storage.places import Place


@dataclass(frozen=True)
class Areas:
    """In pixels. size: (H, W).  classes: one number a class, in the order of the weights.  ignored: those that mean nothing."""

    size: tuple[int, int]
    classes: list[int]
    ignored: int


def areas_of(classes: np.ndarray, n_classes: int) -> Areas:
    """Shapes: classes (H, W) uint8, 255 where the image means nothing."""
    height, width = classes.shape
    counts = np.bincount(classes.ravel(), minlength=IGNORE + 1)
    return Areas((height, width), counts[:n_classes].tolist(), int(counts[IGNORE]))


def areas_of_mask(path: Path, values: Sequence[int]) -> Areas:
    """The same from a mask that `imexseg predict` has written, a .png or a tiled .tif. Args: values: one a class, as there.

    Raises: UsageError naming the file if it cannot be read, or holds a number that stands for no class of these weights.
    """
    counts = np.zeros(IGNORE + 1, dtype=np.int64)
    height = width = 0
    if path.suffix == ".png":
        mask = read_image(path)
        height, width = mask.shape[:2]
        pieces: Iterator[np.ndarray] = iter([mask])
    else:
        height, width = tiff_size(path)
        pieces = (piece for piece, _ in tiff_pieces(path))
    for piece in pieces:
        if piece.dtype != np.uint8 or piece.size == 0:
            raise UsageError(f"{path}: is {piece.dtype}, not a mask that predict wrote; leave out --skip-existing")
        counts += np.bincount(piece.ravel(), minlength=IGNORE + 1)
    ignored = ignored_value(values)
    strange = sorted(set(np.flatnonzero(counts).tolist()) - {*values, ignored})
    if strange or counts.sum() != height * width:
        found = f"holds {strange[0]}, which is no class of these weights" if strange else "has several channels"
        raise UsageError(f"{path}: {found}; it was written otherwise, so leave out --skip-existing")
    return Areas((height, width), counts[list(values)].tolist(), int(counts[ignored]))


def tiff_size(path: Path) -> tuple[int, int]:
    """(H, W). Raises: UsageError naming the file if it cannot be read."""
    import tifffile  # takes a fifth of a second: few need it

    try:
        with tifffile.TiffFile(path) as tiff:
            return tiff.pages.first.imagelength, tiff.pages.first.imagewidth
    except Exception as error:  # decoders raise whatever they stumble over
        raise UsageError(
            f"{path}: cannot be read ({' '.join(str(error).split())}); leave out --skip-existing"
        ) from None


def tiff_pieces(path: Path) -> Iterator[tuple[np.ndarray, tuple[int, int]]]:
    """The tiles, cut where they reach beyond the edge, and (row, column) of each. Shapes: (1, h, w, channels).

    Raises: UsageError naming the file if it is damaged.
    """
    import tifffile  # takes a fifth of a second: few need it

    try:
        with tifffile.TiffFile(path) as tiff:
            for tile, place, shape in tiff.pages.first.segments(maxworkers=1):
                if tile is not None:
                    yield tile[..., : shape[1], : shape[2], :], (place[2], place[3])
    except Exception as error:
        raise UsageError(f"{path}: is damaged ({' '.join(str(error).split())}); leave out --skip-existing") from None


def as_table(names: Sequence[str], rows: Iterable[tuple[Place, Areas]]) -> bytes:
    """CSV in UTF-8: file, width, height, a column of pixels for each class by its name, and the ignored ones."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "width", "height", *names, "ignored"])
    for path, areas in rows:
        writer.writerow([path, areas.size[1], areas.size[0], *areas.classes, areas.ignored])
    return text.getvalue().encode(errors="surrogateescape")  # names of files may be no text
