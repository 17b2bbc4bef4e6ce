"""COCO as CVAT, Roboflow, Label Studio, pycocotools and people write it."""

import json
import os
from pathlib import Path

import numpy as np
from converter_inputs import (
    APPLE_DOUBLE,
    BAR,
    SQUARE,
    H,
    Refused,
    Right,
    W,
    annotation,
    bar,
    box,
    by_coco,
    case,
    coco,
    coco_api,
    put,
    run_lengths,
    square,
    text,
    turned,
)  # fmt: skip

FLAT_BAR = np.ravel(BAR).tolist()


@case("coco", 6)
def ids_as_float_and_text(d: Path):
    j = coco(
        d / "annotations/a.json",
        annotation(image_id=1.0, category_id="1"),
        annotation(image_id="01", segmentation=[FLAT_BAR]),
    )
    return [j], Right({"train/a": square() + bar()}, {0: "background", 1: "cat"})


@case("coco", 6)
def flat_outline(d: Path):
    return [coco(d / "annotations/a.json", annotation(segmentation=SQUARE))], Right({"train/a": square()})


@case("coco", 6)
def outline_of_pairs(d: Path):
    rows = annotation(segmentation=BAR), annotation(segmentation=[np.reshape(SQUARE, (4, 2)).tolist()])
    return [coco(d / "annotations/a.json", *rows)], Right({"train/a": square() + bar()})


@case("coco", 6)
def crowd_flag_as_text(d: Path):
    return [coco(d / "annotations/a.json", annotation(iscrowd="0"))], Right({"train/a": square()})


@case("coco", 6)
def unknown_size(d: Path):
    j = coco(d / "annotations/a.json", annotation(), height=-1, width=0)
    return [j], Right({"train/a": square()}, says=("without a stated size",))


@case("coco", 6)
def size_as_text(d: Path):
    return [coco(d / "annotations/a.json", annotation(), height="20", width="30.0")], Right({"train/a": square()})


@case("coco", 6)
def fractions_and_holes_as_pycocotools(d: Path):
    ring = [3.3, 2.7, 25.9, 4.1, 22.2, 17.8, 5.5, 15.1]
    part = [1.25, 16.5, 4.75, 16.5, 4.75, 19.5]
    return [coco(d / "annotations/a.json", annotation(segmentation=[ring, part]))], Right(
        {"train/a": by_coco(ring, part)}
    )


@case("coco", 6)
def compressed_run_lengths(d: Path):
    mask = by_coco([3.3, 2.7, 25.9, 4.1, 22.2, 17.8])
    runs = coco_api.encode(np.asfortranarray(mask))
    j = coco(d / "annotations/a.json", annotation(segmentation={"size": [H, W], "counts": runs["counts"].decode()}))
    return [j], Right({"train/a": mask})


@case("coco", 6)
def panoptic(d: Path):
    ids = box(2, 2, 10, 10, 7).astype(np.uint32) + box(12, 12, 18, 25).astype(np.uint32) * 70_000
    put(d / "val2017/a.jpg")
    put(
        d / "annotations/panoptic_val2017/a.png",
        np.stack([ids & 255, ids >> 8 & 255, ids >> 16], axis=-1).astype(np.uint8),
    )
    segments = [{"id": 7, "category_id": 3}, {"id": 70_000, "category_id": 184, "iscrowd": 0}]
    content = {
        "images": [{"id": 1, "file_name": "a.jpg", "height": H, "width": W}],
        "annotations": [{"image_id": 1, "file_name": "a.png", "segments_info": segments}],
        "categories": [{"id": 3, "name": "car"}, {"id": 184, "name": "tree"}],
    }
    truth = np.full((H, W), 255, np.uint8)
    truth[2:10, 2:10], truth[12:18, 12:25] = 3, 184
    j = text(d / "annotations/panoptic_val2017.json", content)
    return [j], Right({"val/a": truth}, {3: "car", 184: "tree"}, ("pixels of no segment, ignored",))


@case("coco", 4)
def panoptic_crowds_as_objects(d: Path):
    (j,), _ = panoptic(d)
    return [j, "--crowds", "objects"], Refused(("--crowds objects", "is panoptic"))


@case("coco", 4)
def brush_of_cvat(d: Path):
    crowd = annotation(iscrowd=1, segmentation=run_lengths(square()))
    j = coco(
        d / "annotations/instances_default.json",
        crowd,
        annotation(category_id=2, segmentation=[FLAT_BAR]),
        categories={1: "a", 2: "b"},
    )
    return [j], Right({"train/a": square(255) + bar(2)}, says=("crowds, ignored (255)", "--crowds objects: 1 (a.jpg)"))


@case("coco", 4)
def brush_of_cvat_as_objects(d: Path):
    j = coco(d / "annotations/instances_default.json", annotation(iscrowd=1, segmentation=run_lengths(square())))
    return [j, "--crowds", "objects"], Right({"train/a": square()})


@case("coco", 4)
def outside_empty_and_unlisted(d: Path):
    far, over = [40, 2, 50, 2, 50, 9, 40, 9], [25, 15, 99, 15, 99, 99, 25, 99]
    rows = (
        annotation(segmentation=[far]),
        annotation(segmentation=[over]),
        annotation(segmentation=[[1.1, 1.1, 1.2, 1.1, 1.2, 1.2]]),
    )
    j = coco(d / "annotations/a.json", *rows, categories={1: "cat", 2: "dog"})
    put(d / "images/b.jpg"), put(d / "images/c.jpg")
    content = json.loads(j.read_text())
    content["images"].append({"id": 2, "file_name": "b.jpg", "height": H, "width": W})
    says = (
        "entirely outside the image, left out: 1 (a.jpg)",
        "cut at its edge: 1 (a.jpg)",
        "contain no pixel centre, left out: 1 (a.jpg)",
        "without an annotation, kept as classes: 1 (dog)",
        "images without annotation, all background: 1 (b.jpg)",
        "no annotation file lists, left out: 1 (c.jpg)",
    )
    return [text(j, content)], Right({"train/a": box(15, 25, 20, 30), "train/b": box(0, 0, 0, 0)}, says=says)


@case("coco", 2)
def ids_with_gaps(d: Path):
    rows = annotation(category_id=90), annotation(category_id=3, segmentation=[FLAT_BAR])
    j = coco(d / "annotations/a.json", *rows, categories={90: "dog", 3: "cat"})
    return [j], Right(
        {"train/a": square(90) + bar(3)}, {0: "background", 3: "cat", 90: "dog"}, ("numbers are the category ids",)
    )


@case("coco", 2)
def roboflow(d: Path):
    """Id 0 is the project, which nothing has; split folders are called train and valid."""
    put(d / "train/a_jpg.rf.1.jpg"), put(d / "valid/a_jpg.rf.1.jpg")
    for number, split in enumerate(("train", "valid"), start=1):
        content = {
            "images": [{"id": 0, "file_name": "a_jpg.rf.1.jpg", "height": H, "width": W}],
            "annotations": [annotation(image_id=0, category_id=number)],
            "categories": [{"id": 0, "name": "pets"}, {"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        }
        text(d / split / "_annotations.coco.json", content)
    says = ("without an annotation, left out: 1 (pets)", "images: train 1, val 1")
    masks = {"train/a_jpg.rf.1": square(1), "val/a_jpg.rf.1": square(2)}
    return [d], Right(masks, {0: "background", 1: "cat", 2: "dog"}, says)


@case("coco", 2)
def label_studio(d: Path):
    """Ids begin with 0, paths are those of another machine."""
    j = coco(
        d / "annotations/result.json",
        annotation(category_id=0),
        categories={0: "cat", 1: "dog"},
        file_name="images\\4\\a.jpg",
    )
    return [j], Right({"train/a": square(1)}, {0: "background", 1: "cat", 2: "dog"}, ("ids plus 1", "found by name"))


@case("coco", 2)
def ids_beyond_eight_bits(d: Path):
    j = coco(d / "annotations/a.json", annotation(category_id=4096), categories={4096: "cat", 7: "dog"})
    return [j], Right({"train/a": square(2)}, {0: "background", 1: "dog", 2: "cat"}, ("counted from 1",))


@case("coco", 2)
def category_called_background(d: Path):
    rows = annotation(category_id=2), annotation(category_id=5, segmentation=[[4, 4, 8, 4, 8, 8, 4, 8]])
    j = coco(d / "annotations/a.json", *rows, categories={2: "cat", 5: "_background_"})
    truth = square(2)
    truth[4:8, 4:8] = 0
    return [j], Right({"train/a": truth}, {0: "background", 2: "cat"})


@case("coco", 5)
def latest_is_no_test(d: Path):
    return [coco(d / "medieval/annotations/latest_annotations.json", annotation())], Right(
        {"train/a": square()}, says=("images: train 1",)
    )


@case("coco", 5)
def split_in_capitals(d: Path):
    return [coco(d / "annotations/instances_Validation.json", annotation())], Right({"val/a": square()})


@case("coco", 5)
def trainval_is_neither(d: Path):
    return [coco(d / "annotations/instances_trainval2017.json", annotation())], Right({"train/a": square()})


@case("coco", 3)
def resized_image(d: Path):
    j = coco(d / "annotations/a.json", annotation(segmentation=[[2 * v for v in SQUARE]]), height=40, width=60)
    return [j], Right({"train/a": square()}, says=("60 x 40 → 30 x 20",))


@case("coco", 3)
def cropped_image(d: Path):
    return [coco(d / "annotations/a.json", annotation(), height=20, width=40)], Refused(
        ("a.jpg: is 30 x 20", "a.json says 40 x 20")
    )


@case("coco", 3)
def annotated_upright(d: Path):
    j = coco(d / "annotations/a.json", annotation(segmentation=[[0, 0, 20, 0, 20, 5, 0, 5]]), height=30, width=20)
    turned(d / "images/a.jpg", (20, 30))
    return [j], Right({"train/a": box(0, 0, 5, 20, size=(30, 20))}, says=("turned by an EXIF orientation",))


@case("coco", 3)
def annotated_on_its_side(d: Path):
    j = coco(d / "annotations/a.json", annotation(), height=20, width=30)
    turned(d / "images/a.jpg", (20, 30))
    return [j], Refused(("images/a.jpg: is 20 x 30", "EXIF"))


@case("coco", 3)
def capitals(d: Path):
    j = coco(d / "annotations/a.json", annotation())
    (d / "images/a.jpg").rename(d / "images/A.JPG")
    return [j], Right({"train/A": square()})


@case("coco", 3)
def same_name_in_two_folders(d: Path):
    j = coco(d / "annotations/a.json", annotation(), file_name="day1/a.jpg")
    put(d / "images/day1/a.jpg", np.zeros((H, W), np.uint8)), put(d / "images/day2/a.jpg")
    return [j, "--images", d / "images"], Right({"train/day1_a": square()}, says=("lists, left out: 2 (",))


@case("coco", 3)
def name_that_may_be_two_files(d: Path):
    j = coco(d / "annotations/a.json", annotation())
    (d / "images/a.jpg").unlink()
    put(d / "images/day1/a.jpg"), put(d / "images/day2/a.jpg")
    return [j], Refused(("a.json: 'a.jpg' could be any of 2 files",))


@case("coco", 3)
def linked_folder(d: Path):
    j = coco(d / "set/annotations/a.json", annotation())
    (d / "set/images").rename(d / "elsewhere")
    os.symlink(d / "elsewhere", d / "set/images")
    return [j], Right({"train/a": square()})


@case("coco", 3)
def utf_16(d: Path):
    j = coco(d / "annotations/a.json", annotation(), categories={1: "Bär"})
    return [text(j, j.read_text(), "utf-16")], Right({"train/a": square()}, {0: "background", 1: "Bär"})


@case("coco", 3)
def windows_1252(d: Path):
    j = coco(d / "annotations/a.json", annotation())
    return [text(j, j.read_text().replace("cat", "Bär"), "cp1252")], Refused(("a.json", "save it as UTF-8"))


@case("coco", 3)
def files_of_the_system(d: Path):
    coco(d / "annotations/a.json", annotation())
    text(d / "annotations/._a.json", APPLE_DOUBLE), text(d / "images/._a.jpg", APPLE_DOUBLE)
    (
        text(d / "__MACOSX/annotations/a.json", APPLE_DOUBLE),
        text(d / "images/Thumbs.db", b"\0"),
        text(d / ".ipynb_checkpoints/a.json", "{"),
    )
    return [d], Right({"train/a": square()})


@case("coco", 9)
def truncated_image(d: Path):
    j = coco(d / "annotations/a.json", annotation())
    image = d / "images/a.jpg"
    image.write_bytes(image.read_bytes()[:-400])
    return [j], Refused(("images/a.jpg", "truncated"))


@case("coco", 9)
def damaged_run_lengths(d: Path):
    runs = coco_api.encode(np.asfortranarray(square()))["counts"].decode()
    return [coco(d / "annotations/a.json", annotation(segmentation={"size": [H, W], "counts": runs[:-3]}))], Refused(
        ("a.json: annotation 1: compressed run lengths are damaged",)
    )


@case("coco", 4)
def boxes_alone(d: Path):
    return [coco(d / "annotations/a.json", annotation(segmentation=[], bbox=[2, 2, 8, 8]))], Refused(
        ("a.json: annotation 1: has no segmentation",)
    )


@case("coco", 6)
def json_of_label_studio(d: Path):
    return [text(d / "a.json", [{"id": 1, "data": {"image": "a.jpg"}, "annotations": []}])], Refused(
        ("a.json", "Label Studio's own JSON; export as COCO")
    )


@case("coco", 6)
def json_of_via(d: Path):
    return [text(d / "via.json", {"a.jpg123": {"filename": "a.jpg", "regions": []}})], Refused(
        ("via.json", "VIA", "export as COCO")
    )


@case("coco", 2)
def two_files_that_disagree(d: Path):
    coco(d / "annotations/train.json", annotation())
    coco(d / "annotations/val.json", annotation(), categories={1: "dog"})
    return [d], Refused(("val.json: category 1 is 'dog' here and 'cat' elsewhere",))
