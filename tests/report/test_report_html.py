"""The page: one file, nothing from outside, every name escaped, whatever the run was like."""

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from PIL import Image

from imexseg.data.description.labels import IGNORE
from imexseg.data.description.palette import default_palette
from imexseg.evaluation.scores import Scores
from imexseg.report.html import Example, ReportContents, pick_examples, write_report

HOSTILE = [
    "background",
    "<script>alert(1)</script>",
    "$\\frac{$ & \"quoted'",
    "a_name_that_is_longer_than_an_axis_has_room",
]
CONFUSION = np.array([[90, 5, 0, 5], [20, 70, 0, 10], [0, 0, 0, 0], [1, 2, 0, 97]])  # no pixel of the third class
VOID = {"meta", "img", "source", "br"}
random = np.random.default_rng(2)


def example(name: str = "image_1", size: tuple[int, int] = (24, 32), channels: int = 1) -> Example:
    truth = cv2.resize(random.integers(0, 4, (3, 4), dtype=np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST)
    image = random.integers(0, 256, (*size, channels), dtype=np.uint8)
    return Example(name, image, truth, truth // 2, 0.25)


def epochs(n: int) -> list[dict]:
    rows = ({"epoch": i, "train_loss": 1 / i, "val_loss": 1.5 / i, "val_miou": 1 - 1 / i} for i in range(1, n + 1))
    return [row | {"learning_rate": 0.01, "seconds": 2.0} for row in rows]


def contents(**changes) -> ReportContents:
    distance = np.hypot(*np.ogrid[-12:12, -16:16])
    usual = ReportContents(
        title="<b>run</b> & co",
        summary={"model": "imex-lean", "equation": "(I+hL)Y⁺ = Y + hLY - h Kᵀσ(N(KY))"},
        scores=Scores(tuple(HOSTILE), CONFUSION, 12),
        history=epochs(3),
        worst=[example(f"worst <i>{i}</i>") for i in range(6)],
        typical=[example(f"typical_{i}") for i in range(6)],
        receptive_fields=(np.exp(-distance / 9), np.where(distance < 4, 1.0, 0.0)),
        names=HOSTILE,
        palette=default_palette(4),
        settings={"data": "/a/<b>", "loss": "dice", "augmentation": {"flip": True}},
        environment={"python": "3.12"},
        commands=["imexseg predict IMAGE --weights <run>"],
    )
    return replace(usual, **changes)


class Page(HTMLParser):
    """Tags with their attributes, the text, and whether every tag is closed where it should be."""

    def __init__(self, path: Path):
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(self.source)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def pictures(self) -> list[tuple[str, bytes]]:
        """Kind and content of every embedded file."""
        uris = [attrs.get("src") or attrs["srcset"] for tag, attrs in self.tags if tag in ("img", "source")]
        parts = [re.fullmatch(r"data:image/([a-z+]+);base64,(.*)", uri) for uri in uris]
        return [(part[1], base64.b64decode(part[2])) for part in parts if part]


def page_of(folder: Path, **changes) -> Page:
    write_report(folder / "report.html", contents(**changes))
    return Page(folder / "report.html")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    return page_of(tmp_path_factory.mktemp("report"))


def test_every_name_is_there_and_escaped(page: Page):
    for name in [
        *HOSTILE,
        "<b>run</b> & co",
        "worst <i>5</i>",
        "typical_5",
        "/a/<b>",
        "imexseg predict IMAGE --weights <run>",
    ]:
        assert name in page.text
    assert not {"script", "b>run", "i", "run"} & {tag for tag, attrs in page.tags if "style" not in attrs}
    assert "<script" not in page.source


def test_it_needs_nothing_from_outside(page: Page):
    links = [attrs[name] for _, attrs in page.tags for name in ("src", "href", "srcset", "action") if name in attrs]
    assert links
    assert all(link.startswith("data:image/") for link in links)
    assert not re.search(r"https?://|url\(|@import", page.source)
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)


def test_its_figures_are_well_formed_and_run_nothing(page: Page):
    drawings = [ElementTree.fromstring(content) for kind, content in page.pictures() if kind == "svg+xml"]
    assert len(drawings) == 5  # curves and fields, each for wide and narrow screens, and the confusion matrix
    for drawing in drawings:
        names = {element.tag.rpartition("}")[2] for element in drawing.iter()}
        assert names & {"text", "script"} == {"text"}
        references = [value for e in drawing.iter() for key, value in e.items() if key.endswith("href")]
        assert all(reference.startswith(("#", "data:image/png")) for reference in references)


def test_every_image_has_a_description_and_every_section_a_heading(page: Page):
    assert all(attrs["alt"] for tag, attrs in page.tags if tag == "img")
    headings = {attrs.get("id") for tag, attrs in page.tags if tag == "h2"}
    assert all(attrs["aria-labelledby"] in headings for tag, attrs in page.tags if tag == "section")
    assert [tag for tag, _ in page.tags].count("h1") == 1


def test_a_class_that_is_absent_has_no_score(page: Page):
    assert page.text.count("absent") == 2  # IoU and Dice
    assert f"{np.mean([90 / 121, 70 / 107, 97 / 115]):.4f}" in page.text


def test_small_images_stay_exact_and_the_page_small(page: Page):
    assert len(page.source) < 1_500_000
    assert [kind for kind, _ in page.pictures()].count("png") == 3 * 12


def test_large_images_are_shrunk(tmp_path: Path):
    large = [example("photo", (700, 1400), 3), example("strip", (2, 3000))]
    page = page_of(tmp_path, worst=large, typical=[], receptive_fields=None)
    embedded = [(kind, Image.open(io.BytesIO(content))) for kind, content in page.pictures() if kind != "svg+xml"]
    assert [picture.size for _, picture in embedded] == [(512, 256)] * 3 + [(512, 1)] * 3
    assert [kind for kind, _ in embedded] == ["jpeg", "png", "png", "png", "png", "png"]


def test_ignored_pixels_are_explained_where_there_are_any(page: Page, tmp_path: Path):
    ignored = example()
    ignored.truth[:3] = IGNORE
    assert "not labelled" in page_of(tmp_path, typical=[ignored], worst=[], receptive_fields=None).text
    assert "not labelled" not in page.text


def test_the_receptive_field_is_explained_with_its_numbers(page: Page):
    assert "the same weights reach 4 pixels" in page.text
    assert "of the influence comes from" in page.text


@pytest.mark.parametrize(
    "changes",
    [
        {"receptive_fields": None, "history": epochs(1), "worst": [example()], "typical": [], "commands": []},
        {
            "receptive_fields": (np.full((8, 8), np.nan), np.ones((8, 8))),
            "history": [row | {"train_loss": float("nan"), "val_miou": float("nan")} for row in epochs(2)],
            "scores": Scores(tuple(HOSTILE), np.zeros((4, 4), dtype=int), 0),
        },
        {"receptive_fields": (np.zeros((1, 1)), np.zeros((1, 1))), "worst": [], "typical": []},
    ],
    ids=["one epoch, one image, no solve", "diverged, no pixel counted", "one pixel, no influence"],
)
def test_it_can_be_written_of_an_unusual_run(tmp_path: Path, changes: dict):
    page = page_of(tmp_path, **changes)
    drawable = changes["receptive_fields"] is not None and np.isfinite(changes["receptive_fields"][0]).all()
    assert ("What one pixel sees" in page.text) == drawable
    assert ("Typical" in page.text) == ("typical" not in changes)


@pytest.mark.parametrize("n", [0, 1, 6, 8, 12, 13, 40])
def test_worst_and_typical_examples_do_not_overlap(n: int):
    mious = list(random.permutation(n) / 100)
    worst, typical = pick_examples(mious)
    assert [mious[i] for i in worst] == sorted(mious)[:6]
    assert len(typical) == min(6, max(0, n - 6))
    assert not set(worst) & set(typical)
    if n >= 18:
        assert sum(mious[i] < np.median(mious) for i in typical) == 3
