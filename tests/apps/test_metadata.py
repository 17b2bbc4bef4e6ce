"""Metadata of strangers: read or explained, by the program and by the page alike."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
from box_model import box_model
from page_tools import WEB, node

from imexseg.errors import UsageError
from imexseg.models.prediction_info import OnnxInfo, read_mapping, validated

JUNK: list[Any] = [
    *(None, True, -1, 0, 1, 1.5, 255, 1 << 20, 1 << 50, 1e400, float("nan")),
    *("x", "", "x" * 101, "x" * 1001, "é" * 100, "uint8"),
    *(
        [],
        [0],
        [1, 2],
        [5, 0, 255],
        [0, 0, 1],
        [0, 1, 256],
        [[1, 2, 300]],
        [["a"]],
        [[1, 2, 3]] * 3,
        ["a", "b", "c"],
        ["a", "b", 3],
    ),
    *({}, {"length": 1}, {"dtype": "uint8", "lowest": 0, "highest": 9}, {"dtype": "int8", "lowest": 0, "highest": 9}),
]
FIELDS = ("format", "nams", "checksum", *OnnxInfo.model_fields)
# Python takes true for 1, which no program writes; the page does not.
LAX = {(field, json.dumps(True)) for field in ("parameters", "seen_radius", "long_side")}


def documents() -> Iterator[tuple[str, str]]:
    """Every field replaced by every kind of junk, or left out, and junk alone: (what, JSON)."""
    valid = json.loads(box_model().metadata_props[0].value)
    for field in FIELDS:
        for value in JUNK:
            if (field, json.dumps(value)) not in LAX:
                yield f"{field} = {json.dumps(value)[:60]}", json.dumps(valid | {field: value})
        yield f"no {field}", json.dumps({key: value for key, value in valid.items() if key != field})
    for value in JUNK:
        yield f"{json.dumps(value)[:60]}", json.dumps(value)
    yield "no JSON", "{"
    yield "a score that is no number", json.dumps(valid | {"metrics": {"miou": float("nan"), "NaN": '"-Infinity'}})


def in_javascript(files: list[bytes]) -> list[str]:
    """For each file "read", "explained", or the unexpected error of the page's reader."""
    script = f"""
        import {{ readFileSync }} from "node:fs";
        import {{ readModelInfo }} from "{(WEB / "src/metadata.js").as_uri()}";
        import {{ PageError }} from "{(WEB / "src/errors.js").as_uri()}";
        const files = JSON.parse(readFileSync(0, "utf8")).map((text) => Uint8Array.from(Buffer.from(text, "base64")));
        console.log(JSON.stringify(files.map((file) => {{
            try {{
                readModelInfo(file, "m.onnx", null);
                return "read";
            }} catch (error) {{
                return error instanceof PageError ? "explained" : String(error);
            }}
        }})));"""
    sent = json.dumps([base64.b64encode(file).decode() for file in files])
    return json.loads(node("--input-type=module", "-e", script, standard_input=sent))


def with_metadata(text: str) -> bytes:
    model = box_model()
    model.metadata_props[0].value = text
    return model.SerializeToString()


def in_python(text: str) -> str:
    try:
        validated(Path("m.onnx"), read_mapping(Path("m.onnx"), text, None), OnnxInfo)
    except UsageError as error:
        return "explained" if "m.onnx" in str(error) else str(error)
    return "read"


def test_the_page_reads_and_explains_what_python_does():
    cases = dict(documents())
    found = dict(zip(cases, in_javascript([with_metadata(text) for text in cases.values()]), strict=True))
    expected = {what: in_python(text) for what, text in cases.items()}
    assert set(expected.values()) == {"read", "explained"}
    assert {what: result for what, result in found.items() if result != expected[what]} == {}


MORE: list[dict[str, Any]] = [
    {},
    {"size": None},
    {"minimum_size": [8, 8]},
    {"values": [5, 0, 255]},
    {"temperature": 1.37},
    {"temperature": None},
    {"pixel_range": {"dtype": "uint8", "lowest": 0, "highest": 255}},
]


def test_metadata_that_fits_is_read():
    valid = json.loads(box_model().metadata_props[0].value)
    texts = [json.dumps(valid | more) for more in MORE]
    assert in_javascript([with_metadata(text) for text in texts]) == ["read"] * len(MORE)
    assert [in_python(text) for text in texts] == ["read"] * len(MORE)


def test_a_file_cut_anywhere_is_explained_or_read():
    whole = box_model().SerializeToString()
    found = in_javascript([whole[:length] for length in range(len(whole))])
    assert set(found) <= {"read", "explained"}
    assert found.count("read") < len(found) / 20  # only after the last field that counts


def test_a_large_file_is_walked_without_reading_its_weights():
    """Lengths of more than 31 bits would overflow the shifts of a simple varint reader."""
    model = box_model()
    model.graph.doc_string = "x" * 3_000_000
    onnx.checker.check_model(model)
    assert in_javascript([model.SerializeToString()]) == ["read"]
