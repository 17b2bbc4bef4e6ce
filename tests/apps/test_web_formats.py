"""The page reads the pixels that Python reads, of every kind of file that it may meet, and refuses what Python refuses."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from odd_pictures import PICTURES as PLAIN
from odd_tiffs import REFUSED, tiffs
from page_tools import WEB, node, served
from playwright.sync_api import Browser, Page

from imexseg.data.read.frames import first_of_several
from imexseg.data.read.images import read_image_and_void
from imexseg.errors import UsageError

# What Python reads and a browser cannot give exactly: the page says so.
REFUSED_BY_THE_PAGE = {"translucent.webp": "partly translucent", "cmyk.jpg": "is a CMYK"} | REFUSED
PICTURES = PLAIN | tiffs()
KINDS = {"Uint8Array": np.uint8, "Uint8ClampedArray": np.uint8, "Uint16Array": np.uint16, "Float32Array": np.float32}
ENTRY = f"""
    import {{ decodeImage }} from "{(WEB / "src/decode.js").as_posix()}";
    import {{ PageError }} from "{(WEB / "src/errors.js").as_posix()}";
    const text = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
    window.decode = async (content, name) => {{
        const blob = new Blob([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))]);
        try {{
            const {{ width, height, channels, white, pictures, data, void: clear }} = await decodeImage(blob, name);
            const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
            const found = {{ data: text(bytes), kind: data.constructor.name, clear: clear && text(clear) }};
            return {{ width, height, channels, white, pictures, ...found }};
        }} catch (error) {{
            if (!(error instanceof PageError)) throw error;
            return error.message;
        }}
    }};"""
BUILD = f"""
    import {{ build }} from "{(WEB / "node_modules/esbuild/lib/main.js").as_uri()}";
    await build({{
        entryPoints: [process.argv[1]], outfile: process.argv[2], bundle: true, format: "esm", logLevel: "warning",
        nodePaths: ["{(WEB / "node_modules").as_posix()}"],
    }});"""


@pytest.fixture(scope="module")
def decoder(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page with the decoder alone."""
    folder = tmp_path_factory.mktemp("decoder")
    (folder / "entry.js").write_text(ENTRY)
    node("--input-type=module", "-e", BUILD, folder / "entry.js", folder / "decoder.js")
    (folder / "index.html").write_text(
        '<link rel="icon" href="data:," /><script type="module" src="decoder.js"></script>'
    )
    with served(folder) as url, browser.new_context() as context:
        page = context.new_page()
        page.goto(url)
        page.wait_for_function("window.decode")
        yield page


def on_the_page(decoder: Page, name: str) -> str | tuple[np.ndarray, np.ndarray, int]:
    """Pixels (H, W, C), where they mean nothing (H, W), and of how many pictures it is the first; or why it cannot be read."""
    content = base64.b64encode(PICTURES[name]).decode()
    answer: str | dict[str, Any] = decoder.evaluate(
        "([content, name]) => window.decode(content, name)", [content, name]
    )
    if isinstance(answer, str):
        return answer
    size = answer["height"], answer["width"]
    dtype = np.dtype(KINDS[answer["kind"]])
    assert answer["white"] == {"u": 2 ** (8 * dtype.itemsize) - 1, "f": 1}[dtype.kind]
    pixels = np.frombuffer(base64.b64decode(answer["data"]), dtype).reshape(*size, answer["channels"])
    clear = answer["clear"] and np.frombuffer(base64.b64decode(answer["clear"]), np.uint8).reshape(size) != 0
    return pixels, np.zeros(size, bool) if clear is None else clear, answer["pictures"]


def in_python(path: Path) -> str | tuple[np.ndarray, np.ndarray, int]:
    try:
        pixels, void = read_image_and_void(path)
    except UsageError as error:
        return str(error)
    number = re.match(r"holds (\d+) images", first_of_several(path) or "holds 1 images")
    assert number
    return pixels, np.zeros(pixels.shape[:2], bool) if void is None else void, int(number[1])


@pytest.mark.parametrize("name", PICTURES)
def test_the_page_reads_what_python_reads(decoder: Page, tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(PICTURES[name])
    expected, found = in_python(tmp_path / name), on_the_page(decoder, name)
    if name in REFUSED_BY_THE_PAGE:
        assert REFUSED_BY_THE_PAGE[name] in str(found)
        assert not isinstance(expected, str)
    elif isinstance(expected, str) or isinstance(found, str):
        assert (type(found), type(expected)) == (str, str), (found, expected)
        assert name in str(found) or "Every pixel of this picture is transparent" in str(found)
    else:
        # A browser hands grey out as colour, whose luma is the same grey.
        channels = max(expected[0].shape[2], found[0].shape[2])
        grey, other = (np.broadcast_to(pixels, (*pixels.shape[:2], channels)) for pixels in (expected[0], found[0]))
        assert other.dtype == grey.dtype
        if grey.dtype == np.float32:  # what stands where there is no value is a mean, summed in another order
            np.testing.assert_allclose(other[expected[1]], grey[expected[1]], rtol=1e-6)
            other, grey = (np.where(expected[1][..., None], 0, pixels) for pixels in (other, grey))
        np.testing.assert_array_equal(other, grey)
        np.testing.assert_array_equal(found[1], expected[1])
        assert found[2] == expected[2]


def test_the_cases_are_of_both_kinds(tmp_path: Path):
    """Guards against files that are all refused for another reason than theirs."""
    kinds = []
    for name, content in PICTURES.items():
        (tmp_path / name).write_bytes(content)
        kinds.append(isinstance(in_python(tmp_path / name), str))
    assert 40 < sum(kinds) < len(kinds) - 80
