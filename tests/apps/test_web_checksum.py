"""The page verifies the checksum of a network as Python does."""

import base64
import json
from pathlib import Path

import pytest
from box_model import box_model, sealed_model
from page_tools import WEB, node
from playwright.sync_api import Page, expect

from imexseg.errors import UsageError
from imexseg.models.checksum import UNSEALED, checked_seal


def in_javascript(files: list[bytes], before: str = "") -> list[list[str | None]]:
    """For each file [the checksum, if it fits] or [None, what is said], and whether the bytes are as they were."""
    script = f"""
        import {{ readFileSync }} from "node:fs";
        import {{ checkedSeal }} from "{(WEB / "src/checksum.js").as_uri()}";
        import {{ PageError }} from "{(WEB / "src/errors.js").as_uri()}";
        {before}
        const answers = [];
        for (const text of JSON.parse(readFileSync(0, "utf8"))) {{
            const file = Uint8Array.from(Buffer.from(text, "base64"));
            try {{
                answers.push([await checkedSeal(file, "m.onnx")]);
            }} catch (error) {{
                answers.push([null, error instanceof PageError ? error.message : String(error)]);
            }}
            if (Buffer.from(file).toString("base64") !== text) answers.push("changed");
        }}
        console.log(JSON.stringify(answers));"""
    sent = json.dumps([base64.b64encode(file).decode() for file in files])
    return json.loads(node("--input-type=module", "-e", script, standard_input=sent))


def in_python(file: bytes, path: Path) -> str | None:
    """The checksum, if there is one and it fits; else "damaged"."""
    path.write_bytes(file)
    try:
        return checked_seal(path)
    except UsageError:
        return "damaged"


def test_every_flipped_bit_is_found_or_hides_the_checksum(tmp_path: Path):
    whole = sealed_model(box_model())
    start = whole.index(b"imexseg-sha256:")
    positions = [*range(start - 5, min(start + 85, len(whole))), *range(0, len(whole), len(whole) // 200)]
    flipped = [bytearray(whole) for _ in positions]
    for file, position in zip(flipped, positions, strict=True):
        file[position] ^= 1 << position % 8
    files = [
        whole,
        *map(bytes, flipped),
        whole + whole,
        whole[:-1],
        box_model().SerializeToString(),
        b"",
    ]
    found = in_javascript(files)
    said = [answer[0] if len(answer) == 1 else "damaged" for answer in found]
    assert said == [in_python(file, tmp_path / "m.onnx") for file in files]
    assert said[0] == whole[start : start + 79].decode()
    assert said.count("damaged") > 200
    assert {answer[1] for answer in found if len(answer) > 1} == {
        "m.onnx is damaged: its checksum does not match. Copy or download it again."
    }


def test_where_the_browser_has_no_hashes_a_checksum_is_not_taken_on_trust():
    without = 'Object.defineProperty(globalThis, "crypto", { value: {} });'
    unsealed, sealed = in_javascript([box_model().SerializeToString(), sealed_model(box_model())], without)
    assert unsealed == [None]
    assert "https or localhost" in (sealed[1] or "")


@pytest.fixture
def damaged(tmp_path: Path) -> dict[Path, str]:
    """Networks that must not be run, and what the page says of them."""
    whole = sealed_model(box_model())
    flipped = bytearray(whole)
    flipped[whole.index(b"Conv") - 20] ^= 1
    never = box_model()
    never.metadata_props[0].value = json.dumps(
        json.loads(never.metadata_props[0].value) | {"format": 2, "checksum": UNSEALED}
    )
    contents = {
        "flipped.onnx": (bytes(flipped), "its checksum does not match"),
        "hidden.onnx": (whole.replace(b"imexseg-sha256:", b"imexseg-sha257:"), "its checksum is missing"),
        "never.onnx": (never.SerializeToString(), "its checksum does not match"),
    }
    for name, (content, _) in contents.items():
        (tmp_path / name).write_bytes(content)
    return {tmp_path / name: said for name, (_, said) in contents.items()}


def test_the_page_refuses_a_damaged_network_and_keeps_the_one_before(
    page: Page, damaged: dict[Path, str], tmp_path: Path
):
    (tmp_path / "whole.onnx").write_bytes(sealed_model(box_model((32, 32))))
    page.set_input_files("#model-file", tmp_path / "whole.onnx")
    expect(page.locator("#model-facts")).to_contain_text("32 × 32 px")
    for file, said in damaged.items():
        page.set_input_files("#model-file", file)
        expect(page.get_by_role("alert")).to_contain_text(f"{file.name} is damaged: ")
        expect(page.get_by_role("alert")).to_contain_text(said)
    expect(page.locator("#model-facts")).to_contain_text("32 × 32 px")
    page.select_option("#model", "0")
    expect(page.locator("#model-facts")).to_contain_text("64 × 64 px")
    expect(page.get_by_role("alert")).to_be_hidden()
