"""How many images a file holds: of animations and stacks only the first is read, and a remark says so."""

from pathlib import Path

from PIL import Image

from imexseg.data.read.georeference import TIFF_BEGINS

_MASK = 4  # bit of NewSubfileType: a page that says which pixels of another one count


def first_of_several(path: Path) -> str | None:
    """The line that says so, without the name of the file; None where there is one image.

    Overviews, masks, and pages that are bands of one array are no images of their own, nor is the second picture in a photograph
    of a telephone. Files that cannot be read are explained by whoever decodes them.
    """
    try:
        with open(path, "rb") as file:
            begin = file.read(4)
        if begin in TIFF_BEGINS:
            number = _pages(path)
        else:
            with Image.open(path, formats=("PNG", "WEBP", "GIF")) as header:
                number = int(getattr(header, "n_frames", 1))
    except Exception:
        return None
    return f"holds {number} images, of which only the first is read" if number > 1 else None


def _pages(path: Path) -> int:
    import tifffile  # takes a fifth of a second: other formats do without

    with tifffile.TiffFile(path) as tiff:
        first = tiff.pages.first
        bands = first.samplesperpixel == 1 and bool(tiff.is_shaped or tiff.is_imagej or tiff.is_ome)
        if len(tiff.pages) == 1 or (bands and len(tiff.series) == 1):
            return 1
        pages = [page.aspage() for page in tiff.pages]
        return sum(not page.is_reduced and not int(page.subfiletype) & _MASK for page in pages)
