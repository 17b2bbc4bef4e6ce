"""imexseg convert: convert COCO, YOLO, Labelme, VOC or RGB masks to this project's layout."""

import argparse
from pathlib import Path

from imexseg.cli.console import counted, in_words, messages, progress_bar
from imexseg.errors import UsageError

FORMATS = {
    "coco": "instances (outlines, run lengths) in JSON, or panoptic JSON and PNG",
    "yolo": "segmentation data sets: outlines in labels/*.txt, names in data.yaml",
    "labelme": "a JSON file for each image, from Labelme or X-AnyLabeling: outlines, circles, bitmaps",
    "voc": "JPEGImages, SegmentationClass and ImageSets, also as CVAT and labelme2voc write them",
    "rgb": "images and masks in colours, with a list of colours",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    formats = "; ".join(f"{name}: {what}" for name, what in FORMATS.items())
    parser.add_argument("format", choices=list(FORMATS), help=formats)
    parser.add_argument(
        "source", type=Path, metavar="SOURCE", help="a folder, or for coco also one JSON file; never altered"
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write, new or empty")
    parser.add_argument(
        "--images",
        type=Path,
        metavar="DIR",
        help="the folder that holds the images (default: SOURCE; coco: that of the JSON, or of its annotations/)",
    )
    parser.add_argument(
        "--crowds",
        choices=["ignore", "objects"],
        help="coco: what becomes of crowds (iscrowd 1): ignored, as 255 (default), or drawn like other objects",
    )
    parser.add_argument(
        "--colours",
        type=Path,
        metavar="FILE",
        help="rgb: the list of colours, with lines like `128 64 128 road` (default: one of the usual names in SOURCE)",
    )


def run(options: argparse.Namespace) -> int:
    """Raises: UsageError for a source that does not fit or an OUT that is taken; JobError if it cannot be written."""
    from imexseg.data.convert.coco import convert_coco
    from imexseg.data.convert.labelme import convert_labelme
    from imexseg.data.convert.rgb import convert_rgb
    from imexseg.data.convert.target import write_plan
    from imexseg.data.convert.voc import convert_voc
    from imexseg.data.convert.yolo import convert_yolo

    source: Path = options.source
    if not source.exists() or (options.format != "coco" and not source.is_dir()):
        raise UsageError(f"{source}: no such folder; give the one that holds the {options.format} data")
    if options.out.resolve().is_relative_to(source.resolve()):
        raise UsageError(f"{options.out}: is inside {source}, which must stay as it is; choose another folder")
    for name, of in (("crowds", "coco"), ("colours", "rgb")):
        if getattr(options, name) is not None and options.format != of:
            raise UsageError(f"--{name}: applies to {of} only; remove it")
    if options.images is not None and options.format == "rgb":
        raise UsageError("--images: does not apply to rgb, whose images lie in SOURCE; remove it")
    if options.images is not None and not options.images.is_dir():
        raise UsageError(f"{options.images}: no such folder; give the one that holds the images")
    if options.format == "coco":
        plan = convert_coco(source, options.images, options.crowds or "ignore")
    elif options.format == "rgb":
        plan = convert_rgb(source, options.colours)
    else:
        read = {"yolo": convert_yolo, "labelme": convert_labelme, "voc": convert_voc}[options.format]
        plan = read(source, options.images)
    with progress_bar("images") as progress:
        summary = write_plan(plan, source, options.out, progress)
    where = in_words(options.out)
    for line in summary:
        messages.print(line)
    messages.print(
        f"{counted(len(plan.items), 'image')}, {len(plan.names)} classes in {where}; check them with: imexseg check {where}"
    )
    return 0
