"""The figures: readable whatever the number of classes, small whatever the size of the images."""

from xml.etree import ElementTree

import numpy as np
import pytest

from imexseg.evaluation.scores import Scores
from imexseg.report import figures

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("n", [2, 60])
def test_the_confusion_matrix_keeps_its_numbers_for_many_classes(n: int):
    names = tuple(f"class {i}" for i in range(n))
    confusion = 20 * np.eye(n, dtype=int) + 80 * np.roll(np.eye(n, dtype=int), 1, axis=1)
    drawing = ElementTree.fromstring(figures.confusion_matrix(Scores(names, confusion, 1)))
    words = [element.text for element in drawing.iter(f"{SVG}text")]
    assert sum(word in ("20", "20.0") for word in words) == n
    assert sum(word in ("80", "80.0") for word in words) == n
    assert all(words.count(name) == 2 for name in names)
    assert float(drawing.attrib["width"].removesuffix("pt")) > 20 * n  # points a cell: a number of 7.5 points fits


def test_a_large_receptive_field_is_drawn_small():
    wide = np.random.default_rng(0).random((400, 800))
    drawing = ElementTree.fromstring(figures.receptive_field_pair(wide, wide))
    widths = [float(element.attrib["width"]) for element in drawing.iter(f"{SVG}image")]
    assert widths[:2] == [384, 384]


def test_the_same_numbers_give_the_same_bytes():
    scores = Scores(("a", "b"), np.array([[9, 1], [3, 7]]), 1)
    assert figures.confusion_matrix(scores) == figures.confusion_matrix(scores)
