"""The names of what `imexseg predict` writes, so that a later command does not take a result for an image."""

PICTURES = ("_mask", "_overlay", "_confidence")  # at the end of the name, before the suffix
FOLDERS = ("voc/SegmentationClass/",)


def is_result_name(below: str) -> bool:
    """Whether a picture of this path, below the folder of the results, is one of them."""
    return below.rpartition(".")[0].endswith(PICTURES) or below.startswith(FOLDERS)
