"""What `imexseg predict` can be told on the command line."""

import argparse

from imexseg.cli.console import positive_float, positive_int, size_in_bytes
from imexseg.cli.engine import add_engine
from imexseg.cli.predict_outlines import add_outlines


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "images",
        nargs="+",
        metavar="IMAGE",
        help="image files, folders with their subfolders, quoted globs, or URLs of these",
    )
    parser.add_argument(
        "--weights",
        default=None,
        metavar="W",
        help="a .safetensors or .onnx file, a run folder or a shipped name (default: qtips)",
    )
    parser.add_argument("--output", default="predictions", metavar="DIR", help="(default: predictions)")
    parser.add_argument("--probabilities", action="store_true", help="also write <stem>_probabilities.npz")
    parser.add_argument(
        "--confidence",
        action="store_true",
        help="also write <stem>_confidence.png: how probable the class of each pixel is, 0 to 255 for 0 to 1",
    )
    parser.add_argument(
        "--tile",
        type=positive_int,
        metavar="N",
        help="cut larger images into overlapping pieces of N x N pixels (default: where --max-memory asks for it, of a size that "
        "computes least)",
    )
    parser.add_argument(
        "--max-memory",
        type=size_in_bytes,
        metavar="SIZE",
        help="of the whole program, such as 2GiB or 500MB; images that would take more are cut into pieces (default: 2GiB)",
    )
    parser.add_argument(
        "--white",
        type=positive_float,
        metavar="N",
        help="the pixel value that means white, where it is not the largest of its type: 4095 for 12 bits in a file of 16",
    )
    parser.add_argument(
        "--skip-existing",
        action="store_true",
        help="leave images alone whose results are all in DIR already; this looks at the names of files only, not at which "
        "weights or options wrote them",
    )
    parser.add_argument(
        "--report",
        metavar="FILE.csv",
        help="write a table: of each image its size, and how many pixels have each class",
    )
    parser.add_argument("--tta", action="store_true", help="average over flips and three scales; 2 to 12 times as slow")
    add_outlines(parser)
    add_engine(parser)
