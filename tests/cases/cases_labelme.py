"""Labelme as itself, X-AnyLabeling and scripts write it."""

from pathlib import Path

import numpy as np
from converter_inputs import (
    APPLE_DOUBLE,
    BAR,
    H,
    Refused,
    Right,
    W,
    bar,
    box,
    by_coco,
    case,
    in_base64,
    labelme,
    put,
    shape,
    square,
    text,
    turned,
)  # fmt: skip
from PIL import Image, ImageOps

CORNERS = [[2, 2], [10, 2], [10, 10], [2, 10]]


@case("labelme", 3)
def halved_image(d: Path):
    labelme(d, shape(points=[[2 * x, 2 * y] for x, y in BAR]), imageHeight=2 * H, imageWidth=2 * W)
    return [d], Right({"train/a": bar()}, {0: "background", 1: "x"}, ("60 x 40 → 30 x 20",))


@case("labelme", 3)
def enlarged_by_a_third(d: Path):
    """23 x 15 px became 30 x 20: the sides are rounded, the factor of each is exact."""
    labelme(d, shape(points=[[0, 0], [23, 0], [23, 7.5], [0, 7.5]]), imageHeight=15, imageWidth=23)
    return [d], Right({"train/a": box(0, 0, 10, 30)})


@case("labelme", 3)
def another_ratio(d: Path):
    labelme(d, shape(), imageHeight=40, imageWidth=40)
    return [d], Refused(("a.png: is 30 x 20", "a.json says 40 x 40"))


@case("labelme", 3)
def embedded_image_of_another_size(d: Path):
    labelme(d, shape(), imageData=in_base64(Image.new("RGB", (60, 40))))
    return [d], Refused(("a.json: says 30 x 20", "imageData", "60 x 40"))


@case("labelme", 3)
def embedded_image_before_it_was_scaled(d: Path):
    """Labelme showed the embedded image; the file was scaled later, and no size is stated."""
    image = in_base64(Image.new("RGB", (60, 40)))
    labelme(
        d, shape(points=[[24, 24], [50, 24], [50, 36], [24, 36]]), imageData=image, imageHeight=None, imageWidth=None
    )
    put(d / "a.png")
    return [d], Right({"train/a": bar()}, says=("60 x 40 → 30 x 20",))


@case("labelme", 3)
def embedded_image_alone(d: Path):
    photograph = turned(d.parent / "photograph.jpg", (H, W))
    upright = ImageOps.exif_transpose(Image.open(photograph))
    labelme(d, shape(points=CORNERS), imageData=in_base64(upright), imageHeight=W, imageWidth=H)
    return [d], Right({"train/a": box(2, 2, 10, 10, size=(W, H))}, says=("taken from the JSON file",))


@case("labelme", 3)
def embedded_image_truncated(d: Path):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (H, W, 3)).astype(np.uint8))
    labelme(d, shape(), imageData=in_base64(noise)[:-800])
    return [d], Refused(("a.json: the image in it (imageData) cannot be read",))


@case("labelme", 3)
def photograph_lying_on_its_side(d: Path):
    labelme(d, shape(points=CORNERS), imagePath="a.jpg", imageHeight=30, imageWidth=20)
    turned(d / "a.jpg", (20, 30))
    return [d], Right({"train/a": box(2, 2, 10, 10, size=(30, 20))}, says=("turned by an EXIF orientation",))


@case("labelme", 6)
def rectangle_of_four_corners(d: Path):
    labelme(d, shape(kind="rectangle", points=CORNERS), shape(kind="rectangle", points=[[25, 18], [12, 12]]))
    return [d], Right({"train/a": square() + bar()})


@case("labelme", 6)
def rotated_rectangle(d: Path):
    points = [[10.5, 2.2], [20.3, 9.4], [14.7, 17.1], [4.9, 9.9]]
    labelme(d, shape(kind="rotation", points=points, direction=0.6))
    return [d], Right({"train/a": by_coco(np.ravel(points).tolist())})


@case("labelme", 6)
def circle(d: Path):
    labelme(d, shape(kind="circle", points=[[15, 10], [15, 4.5]]))
    y, x = np.mgrid[:H, :W] + 0.5
    return [d], Right({"train/a": ((x - 15) ** 2 + (y - 10) ** 2 <= 5.5**2).astype(np.uint8)})


@case("labelme", 6)
def bitmap(d: Path):
    """Labelme 5.3 and later: a PNG of the box from points[0] to points[1], both included."""
    inside = np.random.default_rng(1).random((6, 13)) < 0.5
    labelme(d, shape(kind="mask", points=[[12.0, 12.0], [24.0, 17.0]], mask=in_base64(Image.fromarray(inside))))
    truth = np.zeros((H, W), np.uint8)
    truth[12:18, 12:25] = inside
    return [d], Right({"train/a": truth})


@case("labelme", 6)
def bitmap_that_leaves_the_image(d: Path):
    labelme(d, shape(kind="mask", points=[[25, 12], [37, 17]], mask=in_base64(Image.new("1", (13, 6), 1))))
    return [d], Refused(("a.json: the mask of 'x'", "leaves the image"))


@case("labelme", 6)
def label_that_is_a_number(d: Path):
    labelme(d, shape(7))
    return [d], Right({"train/a": bar()}, {0: "background", 1: "7"})


@case("labelme", 4)
def lines_and_points(d: Path):
    labelme(d, shape(), shape(kind="linestrip"), shape(kind="point", points=[[3, 3]]))
    put(d / "b.png")
    says = (
        "without an area (linestrip), left out: 1 (a.json)",
        "(point), left out: 1",
        "without a JSON file, left out: 1 (b.png)",
    )
    return [d], Right({"train/a": bar()}, says=says)


@case("labelme", 4)
def nothing_labelled(d: Path):
    labelme(d), labelme(d, shape(), stem="b")
    return [d], Right(
        {"train/a": box(0, 0, 0, 0), "train/b": bar()}, says=("without a shape, all background: 1 (a.json)",)
    )


@case("labelme", 2)
def order_of_labels_txt(d: Path):
    labelme(
        d,
        shape("cell", points=CORNERS),
        shape("artefact"),
        shape("__ignore__", points=[[0, 0], [30, 0], [30, 1], [0, 1]]),
    )
    text(d / "labels.txt", "__ignore__\n_background_\nnucleus\ncell\n")
    names = {0: "background", 1: "nucleus", 2: "cell", 3: "artefact"}
    truth = square(2) + bar(3) + box(0, 0, 1, 30, 255)
    return [d], Right(
        {"train/a": truth}, names, ("in the order of labels.txt", "added at its end: 1 (artefact)", "(nucleus)")
    )


@case("labelme", 2)
def background_drawn_on_top(d: Path):
    labelme(d, shape("b", points=CORNERS), shape("_background_", points=[[4, 4], [8, 4], [8, 8], [4, 8]]))
    truth = square()
    truth[4:8, 4:8] = 0
    return [d], Right({"train/a": truth}, {0: "background", 1: "b"})


@case("labelme", 3)
def path_of_another_machine(d: Path):
    labelme(d, shape(), imagePath="C:\\Users\\me\\photos\\a.png")
    put(d / "a.png")
    return [d], Right({"train/a": bar()}, says=("found by name",))


@case("labelme", 3)
def renamed_together(d: Path):
    labelme(d, shape(), imagePath="IMG_1.png")
    put(d / "a.png")
    return [d], Right({"train/a": bar()}, says=("found by the name of the JSON file",))


@case("labelme", 3)
def images_in_a_sibling_folder(d: Path):
    labelme(d / "json", shape(), imagePath="../images/a.png")
    put(d / "images/a.png"), put(d / "old/a.png")
    return [d], Right({"train/json_a": bar()}, says=("without a JSON file, left out: 1",))


@case("labelme", 5)
def contest_is_no_test(d: Path):
    labelme(d / "contest", shape()), labelme(d / "Test", shape())
    return [d], Right({"train/contest_a": bar(), "test/Test_a": bar()}, says=("images: train 1, test 1",))


@case("labelme", 3)
def files_of_the_system(d: Path):
    labelme(d, shape())
    (
        text(d / "._a.json", APPLE_DOUBLE),
        text(d / "._a.png", APPLE_DOUBLE),
        text(d / "desktop.ini", "x"),
        text(d / "__MACOSX/a.json", "{"),
    )
    return [d], Right({"train/a": bar()})


@case("labelme", 3)
def utf_16(d: Path):
    labelme(d, shape("Zelle ä"), encoding="utf-16")
    return [d], Right({"train/a": bar()}, {0: "background", 1: "Zelle ä"})


@case("labelme", 3)
def windows_1252(d: Path):
    labelme(d, shape("Zelle ä"), encoding="cp1252")
    return [d], Refused(("a.json", "save it as UTF-8"))


@case("labelme", 6)
def xml_of_the_web_page(d: Path):
    text(d / "a.xml", "<annotation/>"), put(d / "a.jpg")
    return [d], Refused(("no Labelme files", "XML", "export as COCO"))


@case("labelme", 6)
def json_of_cityscapes(d: Path):
    text(d / "a_polygons.json", {"imgHeight": 20, "imgWidth": 30, "objects": []})
    return [d], Refused(("a_polygons.json", "Cityscapes"))


@case("labelme", 4)
def two_files_of_one_image(d: Path):
    labelme(d, shape()), labelme(d, shape("y"), stem="a (copy)", imagePath="a.png")
    return [d], Refused(("a.json: labels a.png, and so does a (copy).json",))
