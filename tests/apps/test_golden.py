"""The page computes what Python computes, to the bit: the cases of tests/golden/pixels.json, which tests/data/read reads too."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page_tools import WEB, node

from imexseg.inference.write_mask import in_values

GOLDEN_FILE = Path(__file__).parents[1] / "golden" / "pixels.json"
GOLDEN = json.loads(GOLDEN_FILE.read_text())
ANSWERS = f"""
    import {{ readFileSync }} from "node:fs";
    import {{ withoutAlpha }} from "{(WEB / "src/transparency.js").as_uri()}";
    import {{ PageError }} from "{(WEB / "src/errors.js").as_uri()}";
    import {{ inValues }} from "{(WEB / "src/numbers.js").as_uri()}";
    import {{ SAMPLES, toChannels, toInput }} from "{(WEB / "src/prepare.js").as_uri()}";
    import {{ tilesAlong }} from "{(WEB / "src/tiles.js").as_uri()}";
    const golden = JSON.parse(readFileSync({json.dumps(str(GOLDEN_FILE))}, "utf8"));
    const pixels = (rows, dtype) => ({{
        width: rows.length, height: 1, channels: rows[0].length, data: SAMPLES[dtype].from(rows.flat()),
    }});
    const input = ({{ values, dtype, network, type, white }}) => {{
        const image = pixels(values.map((value) => [value]), dtype);
        try {{
            return [...toInput(image, network, type, white).data];
        }} catch (error) {{
            return error instanceof PageError ? "refused" : String(error);
        }}
    }};
    console.log(JSON.stringify({{
        channels: golden.channels.map((c) => [...toChannels(pixels(c.image, c.dtype), c.channels).data]),
        scale: golden.scale.map(input),
        refused: golden.refused.map(input),
        numbers: golden.numbers.map((c) => [...inValues(Uint8Array.from(c.classes), c.values)]),
        tiles: golden.tiles.map((c) => tilesAlong(c.length, c.size).map(Object.values)),
        void: golden.void.map((c) => {{
            const n = c.image[0].length;
            const interleaved = c.image.flatMap((pixel, i) => [...pixel, c.alpha[i]]);
            return [...withoutAlpha(SAMPLES[c.dtype].from(interleaved), n + 1, n).data];
        }}),
    }}));"""


@pytest.fixture(scope="module")
def page_says() -> dict[str, list[Any]]:
    return json.loads(node("--input-type=module", "-e", ANSWERS))


def flat(rows: list[list[float]]) -> list[float]:
    return [value for row in rows for value in row]


def test_channels(page_says: dict[str, list[Any]]):
    assert page_says["channels"] == [flat(case["expected"]) for case in GOLDEN["channels"]]


def test_scale_and_rounding(page_says: dict[str, list[Any]]):
    assert page_says["scale"] == [case["expected"] for case in GOLDEN["scale"]]


def test_what_would_be_a_guess_is_refused(page_says: dict[str, list[Any]]):
    assert page_says["refused"] == ["refused"] * len(GOLDEN["refused"])


def test_numbers_in_masks(page_says: dict[str, list[Any]]):
    expected = [case["expected"] for case in GOLDEN["numbers"]]
    assert page_says["numbers"] == expected
    classes = [np.array([case["classes"]], np.uint8) for case in GOLDEN["numbers"]]
    in_python = [in_values(*pair) for pair in zip(classes, (case["values"] for case in GOLDEN["numbers"]), strict=True)]
    assert [numbers[0].tolist() for numbers in in_python] == expected


def test_tiles(page_says: dict[str, list[Any]]):
    assert page_says["tiles"] == [case["tiles"] for case in GOLDEN["tiles"]]


def test_transparent_pixels(page_says: dict[str, list[Any]]):
    assert page_says["void"] == [flat(case["expected"]) for case in GOLDEN["void"]]
