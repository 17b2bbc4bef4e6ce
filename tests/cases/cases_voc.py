"""VOC as CVAT, Datumaro and labelme2voc write it, and masks in colours with lists of any kind."""

import os
from pathlib import Path

import numpy as np
from converter_inputs import (
    APPLE_DOUBLE,
    COLOURS,
    Refused,
    Right,
    bar,
    box,
    case,
    indexed,
    put,
    square,
    text,
)  # fmt: skip

M = square(1) + bar(2)
LISTS = "ImageSets/Segmentation"


def voc(d: Path, stem: str = "a", mask: np.ndarray = M) -> Path:
    put(d / f"JPEGImages/{stem}.jpg")
    return indexed(d / f"SegmentationClass/{stem}.png", mask)


@case("voc", 6)
def cvat(d: Path):
    """default.txt, subfolders, masks in the colours of labelmap.txt, in which the background is not first."""
    for name in ("day1/a", "day2/a"):
        put(d / f"JPEGImages/{name}.jpg"), put(d / f"SegmentationClass/{name}.png", COLOURS[M])
    text(
        d / "labelmap.txt",
        "# label:color_rgb:parts:actions\nnucleus:60,180,75::\nbackground:0,0,0::\ncell:230,25,75::\n",
    )
    text(d / LISTS / "default.txt", "day1/a\nday2/a\n")
    truth = np.array([0, 2, 1], np.uint8)[M]
    says = ("the background first", "default.txt", "images: train 2")
    return [d], Right({"train/day1_a": truth, "train/day2_a": truth}, {0: "background", 1: "nucleus", 2: "cell"}, says)


@case("voc", 6)
def labelme2voc(d: Path):
    voc(d), text(d / "class_names.txt", "_background_\ncell\nnucleus\n")
    return [d], Right(
        {"train/a": M}, {0: "background", 1: "cell", 2: "nucleus"}, ("the values in the masks", "for training")
    )


@case("voc", 6)
def labelme2voc_of_before(d: Path):
    """SegmentationClass held arrays of numpy then, SegmentationClassPNG the masks."""
    voc(d), text(d / "class_names.txt", "_background_\ncell\nnucleus\n")
    (d / "SegmentationClass").rename(d / "SegmentationClassPNG")
    text(d / "SegmentationClass/a.npy", b"\x93NUMPY")
    return [d], Right({"train/a": M})


@case("voc", 2)
def names_whose_background_is_not_first(d: Path):
    """Without colours the values of the masks count the lines, and stay."""
    voc(d), text(d / "class_names.txt", "cell\nbackground\nnucleus\n")
    return [d], Right({"train/a": M}, {0: "cell", 1: "background", 2: "nucleus"})


@case("voc", 4)
def assumed_names(d: Path):
    voc(d, mask=square(15) + box(0, 0, 1, 30, 255))
    return [d], Right(
        {"train/a": square(15) + box(0, 0, 1, 30, 255)}, says=("names are assumed to be the twenty of VOC",)
    )


@case("voc", 4)
def files_that_no_list_names(d: Path):
    voc(d), voc(d, "b"), text(d / "class_names.txt", "background\ncell\nnucleus\n")
    put(d / "JPEGImages/c.jpg"), text(d / LISTS / "train.txt", "a\n"), text(d / LISTS / "trainval.txt", "a\nb\n")
    says = (
        "images that no list names, left out: 2 (b.jpg, c.jpg)",
        "masks that no list names, left out: 1 (b.png)",
        "trainval.txt",
    )
    return [d], Right({"train/a": M}, says=says)


@case("voc", 6)
def lists_with_quotes_and_suffixes(d: Path):
    voc(d, "my image"), voc(d, "b"), voc(d, "c"), text(d / "class_names.txt", "background\ncell\nnucleus\n")
    text(d / LISTS / "Train.txt", '"my image"\nb.jpg\n'), text(d / LISTS / "Val.txt", "c 1\n")
    return [d], Right({"train/my image": M, "train/b": M, "val/c": M})


@case("voc", 3)
def capitals(d: Path):
    (
        put(d / "JPEGImages/DSC1.JPG"),
        put(d / "SegmentationClass/DSC1.PNG", M),
        text(d / "class_names.txt", "background\ncell\nnucleus\n"),
    )
    return [d], Right({"train/DSC1": M})


@case("voc", 3)
def linked_images(d: Path):
    voc(d / "v"), text(d / "v/class_names.txt", "background\ncell\nnucleus\n")
    (d / "v/JPEGImages").rename(d / "photos")
    os.symlink(d / "photos", d / "v/JPEGImages")
    return [d / "v"], Right({"train/a": M})


@case("voc", 3)
def files_of_the_system(d: Path):
    voc(d), text(d / "class_names.txt", "background\ncell\nnucleus\n")
    for name in ("JPEGImages/._a.jpg", "SegmentationClass/._a.png", "JPEGImages/Thumbs.db", f"{LISTS}/._train.txt"):
        text(d / name, APPLE_DOUBLE)
    text(d / LISTS / "train.txt", "a\n")
    return [d], Right({"train/a": M})


@case("voc", 3)
def utf_16(d: Path):
    voc(d), text(d / "labelmap.txt", "background:0,0,0::\nZelle ä:230,25,75::\nKern:60,180,75::\n", "utf-16")
    return [d], Right({"train/a": M}, {0: "background", 1: "Zelle ä", 2: "Kern"})


@case("voc", 3)
def windows_1252(d: Path):
    voc(d), text(d / "class_names.txt", "background\nZelle ä\nKern\n", "cp1252")
    return [d], Refused(("class_names.txt", "save it as UTF-8"))


@case("voc", 3)
def mask_of_another_size(d: Path):
    voc(d), indexed(d / "SegmentationClass/a.png", M[:10]), text(d / "class_names.txt", "background\ncell\nnucleus\n")
    return [d], Refused(("SegmentationClass/a.png: is 30 x 10 px, its image 30 x 20",))


@case("voc", 4)
def cvat_without_images(d: Path):
    indexed(d / "SegmentationClass/a.png", M)
    return [d], Refused(("JPEGImages: no such folder", "Save images"))


def rgb(d: Path, listed: str | bytes, name: str = "class_dict.csv", encoding: str = "utf-8") -> list[Path]:
    put(d / "images/a.jpg"), put(d / "masks/a.png", COLOURS[M]), text(d / name, listed, encoding)
    return [d]


@case("rgb", 5)
def five_columns(d: Path):
    listed = "name,r,g,b,class_11\nBicyclist,0,0,0,1\nBuilding,230,25,75,1\nCar,60,180,75,1\n"
    names = {0: "Bicyclist", 1: "Building", 2: "Car"}
    return rgb(d, listed), Right({"train/a": M}, names, ("not used: class_11", "class 0 is 'Bicyclist'"))


@case("rgb", 5)
def numbers_in_names(d: Path):
    names = {0: "background", 1: "lane 2", 2: "road 11"}
    return rgb(d, "background 0 0 0\nlane 2 230 25 75\nroad 11 60 180 75\n", "colors.txt"), Right({"train/a": M}, names)


@case("rgb", 5)
def tabs_of_camvid(d: Path):
    return rgb(d, "60 180 75\t\tRoad\n230 25 75\t\tCar\n0 0 0\t\tBackground\n", "label_colors.txt"), Right(
        {"train/a": np.array([0, 2, 1], np.uint8)[M]}, {0: "Background", 1: "Road", 2: "Car"}, ("the background first",)
    )


@case("rgb", 5)
def semicolons_in_utf_16(d: Path):
    listed = "Rot;Name;red;green;blue\nx;bg;0;0;0\ny;Zelle ä;230;25;75\nz;Kern;60;180;75\n"
    return rgb(d, listed, encoding="utf-16"), Right(
        {"train/a": M}, {0: "bg", 1: "Zelle ä", 2: "Kern"}, ("not used: rot",)
    )


@case("rgb", 2)
def column_of_ids(d: Path):
    listed = "id,name,r,g,b\n24,nucleus,60,180,75\n7,cell,230,25,75\n0,bg,0,0,0\n"
    truth = np.array([0, 7, 24], np.uint8)[M]
    return rgb(d, listed), Right({"train/a": truth}, {0: "bg", 7: "cell", 24: "nucleus"}, ("those of class_dict.csv",))


@case("rgb", 5)
def colours_in_one_field(d: Path):
    listed = 'name,color\nbg,"(0, 0, 0)"\ncell,#e6194b\nnucleus,"[60,180,75]"\n'
    return rgb(d, listed), Right({"train/a": M}, {0: "bg", 1: "cell", 2: "nucleus"})


@case("rgb", 5)
def four_numbers_of_no_meaning(d: Path):
    return rgb(d, "bg 0 0 0 9\ncell 230 25 75 9\nnucleus 60 180 75 4\n", "colors.txt"), Refused(
        ("colors.txt: has 4", "name,r,g,b,id")
    )


@case("rgb", 1)
def colour_that_is_not_listed(d: Path):
    return rgb(d, "0 0 0 bg\n230 25 75 cell\n", "colors.txt"), Refused(("masks/a.png", "[60, 180, 75]", "78 pixels"))


@case("rgb", 1)
def indexed_in_another_order(d: Path):
    arguments = rgb(d, "name,r,g,b\nbg,0,0,0\ncell,230,25,75\nnucleus,60,180,75\n")
    order = np.array([2, 0, 1], np.uint8)
    indexed(d / "masks/a.png", order[M], COLOURS[np.argsort(order)])
    return arguments, Right({"train/a": M})


@case("rgb", 4)
def image_and_mask_alone(d: Path):
    arguments = rgb(d, "0 0 0 bg\n230 25 75 cell\n60 180 75 nucleus\n", "colors.txt")
    put(d / "images/b.jpg"), put(d / "masks/c.png", COLOURS[M])
    return arguments, Right(
        {"train/a": M}, says=("without a mask, left out: 1 (b.jpg)", "without an image, left out: 1 (c.png)")
    )


@case("rgb", 3)
def list_in_windows_1252(d: Path):
    return rgb(d, "0 0 0 bg\n230 25 75 Zelle ä\n60 180 75 Kern\n", "colors.txt", "cp1252"), Refused(
        ("colors.txt", "save it as UTF-8")
    )


@case("rgb", 2)
def class_that_is_ignored(d: Path):
    listed = "id,name,r,g,b\n0,bg,0,0,0\n1,cell,230,25,75\n255,void,60,180,75\n"
    return rgb(d, listed), Right({"train/a": square(1) + bar(255)}, {0: "bg", 1: "cell"})


@case("voc", 6)
def border_in_the_colour_of_voc(d: Path):
    """VOC's own void, which no label map lists."""
    colours = np.array([*COLOURS, (224, 224, 192)], np.uint8)
    put(d / "JPEGImages/a.jpg"), put(d / "SegmentationClass/a.png", colours[M + box(0, 0, 1, 30, 3)])
    text(d / "labelmap.txt", "background:0,0,0::\ncell:230,25,75::\nnucleus:60,180,75::\n")
    return [d], Right({"train/a": M + box(0, 0, 1, 30, 255)})


@case("voc", 1)
def colours_without_a_label_map(d: Path):
    put(d / "JPEGImages/a.jpg"), put(d / "SegmentationClass/a.png", COLOURS[M])
    return [d], Refused(("SegmentationClass/a.png: is in colours", "labelmap.txt"))


@case("rgb", 4)
def nothing_goes_together(d: Path):
    (
        put(d / "images/a.jpg"),
        put(d / "masks/b.png", COLOURS[M]),
        text(d / "colors.txt", "0 0 0 bg\n230 25 75 cell\n60 180 75 n\n"),
    )
    return [d], Refused(
        ("nothing to convert", "without a mask, left out: 1 (a.jpg)", "without an image, left out: 1 (b.png)")
    )
