"""YOLO as Ultralytics, Roboflow, CVAT and Label Studio write it."""

import os
from pathlib import Path

from converter_inputs import (
    APPLE_DOUBLE,
    BAR,
    Refused,
    Right,
    bar,
    box,
    case,
    line,
    put,
    square,
    text,
)  # fmt: skip


def dataset(d: Path, names: str = "names: [cat, dog]\n", label: str | None = None) -> Path:
    """One image and its labels, in images/train and labels/train."""
    put(d / "images/train/a.jpg")
    text(d / "labels/train/a.txt", line(1) if label is None else label)
    return text(d / "data.yaml", names)


@case("yolo", 6)
def roboflow(d: Path):
    put(d / "train/images/a_jpg.rf.1.jpg"), put(d / "valid/images/a_jpg.rf.1.jpg")
    text(d / "train/labels/a_jpg.rf.1.txt", line(0)), text(d / "valid/labels/a_jpg.rf.1.txt", line(1, BAR))
    text(d / "data.yaml", "train: ../train/images\nval: ../valid/images\nnc: 2\nnames: ['cat', 'dog']\n")
    masks = {"train/a_jpg.rf.1": square(1), "val/a_jpg.rf.1": bar(2)}
    return [d], Right(masks, {0: "background", 1: "cat", 2: "dog"}, ("images: train 1, val 1", "plus 1"))


@case("yolo", 6)
def folders_that_only_data_yaml_names(d: Path):
    put(d / "set/images/one/a.jpg"), put(d / "set/images/two/b.jpg")
    text(d / "set/labels/one/a.txt", line(0)), text(d / "set/labels/two/b.txt", line(0, BAR))
    text(d / "data.yaml", 'path: set\ntrain: images/one\nval: [images/two]\nnames: {"0": cat}\n')
    return [d], Right({"train/one_a": square(), "val/two_b": bar()}, {0: "background", 1: "cat"})


@case("yolo", 6)
def list_of_images(d: Path):
    put(d / "images/a.jpg"), put(d / "images/b.jpg")
    text(d / "labels/a.txt", line(0)), text(d / "labels/b.txt", line(0, BAR))
    text(d / "train.txt", "./images/a.jpg\n"), text(d / "val.txt", "./images/b.jpg\n")
    text(d / "data.yaml", "path: .\ntrain: train.txt\nval: val.txt\nnames: [cat]\n")
    return [d], Right({"train/a": square(), "val/b": bar()})


@case("yolo", 6)
def path_of_another_machine(d: Path):
    dataset(d, "path: /content/datasets/pets\ntrain: /content/datasets/pets/images/train\nnames: [cat, dog]\n")
    return [d], Right({"train/a": square(2)}, says=("that do not exist",))


@case("yolo", 6)
def classes_txt(d: Path):
    """Label Studio: classes.txt and no data.yaml."""
    (
        put(d / "images/a.jpg"),
        text(d / "labels/a.txt", line(1)),
        text(d / "classes.txt", "cat\ndog\n"),
        text(d / "notes.json", "{}"),
    )
    return [d], Right({"train/a": square(2)}, {0: "background", 1: "cat", 2: "dog"}, ("classes.txt",))


@case("yolo", 2)
def names_with_gaps(d: Path):
    dataset(d, "names: {5: dog, 0: cat}\n", line(5))
    return [d], Right(
        {"train/a": square(6)}, {0: "background", 1: "cat", 6: "dog"}, ("plus 1, since 0 is the background",)
    )


@case("yolo", 2)
def background_among_the_names(d: Path):
    dataset(d, "names: [background, cell]\n", line(1))
    return [d], Right({"train/a": square(1)}, {0: "background", 1: "cell"})


@case("yolo", 4)
def label_for_labels(d: Path):
    put(d / "train/images/a.jpg"), text(d / "train/label/a.txt", line(0)), text(d / "data.yaml", "names: [cat]\n")
    return [d], Refused(("train/labels: no such folder (there is label)",))


@case("yolo", 4)
def no_labels_for_one_split(d: Path):
    dataset(d)
    put(d / "images/val/a.jpg")
    return [d], Refused(("labels/val: no such folder", "images/val would be background"))


@case("yolo", 4)
def images_and_labels_alone(d: Path):
    dataset(d)
    (
        put(d / "images/train/b.jpg"),
        put(d / "images/train/c.jpg"),
        text(d / "labels/train/c.txt", ""),
        text(d / "labels/train/z.txt", line(0)),
    )
    says = (
        "without a label file, all background: 1 (b.jpg)",
        "empty, all background: 1 (c.jpg)",
        "without an image, left out: 1 (z.txt)",
    )
    empty = box(0, 0, 0, 0)
    return [d], Right({"train/a": square(2), "train/b": empty, "train/c": empty}, says=says)


@case("yolo", 3)
def capitals_and_subfolders(d: Path):
    put(d / "images/train/day1/A.JPG"), text(d / "labels/train/day1/A.TXT", line(0))
    put(d / "images/train/day2/A.JPG"), text(d / "labels/train/day2/A.txt", line(1, BAR))
    text(d / "data.yaml", "names: [cat, dog]\n")
    return [d], Right({"train/day1_A": square(1), "train/day2_A": bar(2)})


@case("yolo", 3)
def linked_images(d: Path):
    dataset(d / "set")
    (d / "set/images/train").rename(d / "photos")
    os.symlink(d / "photos", d / "set/images/train")
    return [d / "set"], Right({"train/a": square(2)})


@case("yolo", 3)
def files_of_the_system(d: Path):
    dataset(d)
    text(d / "images/train/._a.jpg", APPLE_DOUBLE), text(d / "labels/train/._a.txt", APPLE_DOUBLE)
    return [d], Right({"train/a": square(2)})


@case("yolo", 3)
def utf_16(d: Path):
    dataset(d)
    text(d / "labels/train/a.txt", line(0), "utf-16")
    return [d], Right({"train/a": square(1)})


@case("yolo", 4)
def box_alone(d: Path):
    dataset(d, label="0 0.5 0.5 0.2 0.2\n")
    return [d], Refused(("a.txt: line 1: is a box",))


@case("yolo", 6)
def predictions_with_confidence(d: Path):
    dataset(d, label=line(0).strip() + " 0.93\n")
    return [d], Refused(("a.txt: line 1: has an odd number of coordinates", "confidence"))


@case("yolo", 9)
def coordinates_that_mean_nothing(d: Path):
    dataset(d, label="0 nan 0 1 0 1 1\n")
    return [d], Refused(("a.txt: line 1: has coordinates outside 0 to 1",))


@case("yolo", 5)
def test_is_not_in_latest(d: Path):
    (
        put(d / "latest/images/a.jpg"),
        text(d / "latest/labels/a.txt", line(0)),
        text(d / "data.yaml", "train: latest/images\nnames: [cat]\n"),
    )
    return [d], Right({"train/a": square()}, says=("images: train 1",))


@case("yolo", 6)
def cvat(d: Path):
    """train.txt lists paths that begin with data/, a folder that is not in the archive."""
    dataset(d, "path: ./\ntrain: train.txt\nnames:\n  0: cat\n  1: dog\n")
    text(d / "train.txt", "data/images/train/a.jpg\n")
    return [d], Right({"train/a": square(2)})
