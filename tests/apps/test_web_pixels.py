"""Image in, mask out: on the page the same pixels as in Python."""

import io
import json
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from page_tools import saved_mask
from PIL import Image, PngImagePlugin
from playwright.sync_api import Page, expect

from imexseg.cli import main as command_line
from imexseg.data.read.images import read_image, read_image_and_void
from imexseg.data.read.mask_files import read_mask
from imexseg.data_gen import QTips
from imexseg.inference.onnx_predictor import OnnxPredictor
from imexseg.inference.write_picture import colour_mask

RANDOM = np.random.default_rng(4)


def blobs(height: int, width: int, channels: int = 3) -> np.ndarray:
    """Smooth colours that take every class somewhere, uint8."""
    coarse = RANDOM.integers(0, 256, (height // 12 + 2, width // 12 + 2, channels), dtype=np.uint8)
    layers = [
        Image.fromarray(coarse[..., c]).resize((width, height), Image.Resampling.BICUBIC) for c in range(channels)
    ]
    return np.stack([np.array(layer) for layer in layers], axis=2)


def with_exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def bits(depth: int) -> bytes:
    """A grey PNG of fewer than 8 bits a pixel, which Pillow writes as a palette only; width no multiple of 8."""
    buffer = io.BytesIO()
    image = Image.fromarray(blobs(21, 45, 1)[..., 0] // 2 ** (8 - depth))
    image.putpalette([value * 255 // (2**depth - 1) for value in range(2**depth) for _ in range(3)])
    image.save(buffer, "PNG", bits=depth)
    return buffer.getvalue()


def grey_key(depth: int, key: int) -> bytes:
    """A grey PNG of fewer than 8 bits in which one grey is transparent."""
    samples = blobs(24, 64, 1)[..., 0] >> (8 - depth)
    samples[:2, :9] = key
    per_byte = 8 // depth
    shifts = np.arange(per_byte)[::-1] * depth
    packed = (samples.reshape(24, -1, per_byte) << shifts).sum(axis=2).astype(np.uint8)
    rows = b"".join(b"\0" + row.tobytes() for row in packed)
    parts = {b"IHDR": struct.pack(">IIBBBBB", 64, 24, depth, 0, 0, 0, 0), b"tRNS": struct.pack(">H", key)}
    parts |= {b"IDAT": zlib.compress(rows), b"IEND": b""}
    chunks = [struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c)) for k, c in parts.items()]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def gamma() -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add(b"gAMA", (100_000).to_bytes(4, "big"))  # 1.0, which colour management would apply
    return info


def saved(pixels: np.ndarray | Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


PICTURES = {
    "grey.png": lambda: saved(blobs(64, 64, 1)[..., 0], "PNG"),
    "larger.png": lambda: saved(blobs(101, 150), "PNG"),
    "smaller.png": lambda: saved(blobs(30, 50), "PNG"),
    "narrow.png": lambda: saved(blobs(130, 20), "PNG"),
    "transparent.png": lambda: saved(blobs(64, 64, 4), "PNG"),
    "grey-alpha.png": lambda: saved(Image.fromarray(blobs(64, 64, 2), "LA"), "PNG"),
    "transparent-palette.png": lambda: saved(Image.fromarray(blobs(64, 64)).quantize(40), "PNG", transparency=7),
    "transparent-grey.png": lambda: saved(blobs(64, 64, 1)[..., 0], "PNG", transparency=100),
    "transparent-4-bit.png": lambda: grey_key(4, 6),
    "transparent.gif": lambda: saved(Image.fromarray(blobs(64, 64)).quantize(40), "GIF", transparency=7),
    "palette.png": lambda: saved(Image.fromarray(blobs(64, 64)).quantize(40), "PNG"),
    "1-bit.png": lambda: saved(Image.fromarray(blobs(40, 45, 1)[..., 0]).convert("1"), "PNG"),
    "2-bit.png": lambda: bits(2),
    "4-bit.png": lambda: bits(4),
    "gamma.png": lambda: saved(blobs(64, 64), "PNG", pnginfo=gamma()),
    "turned.png": lambda: saved(blobs(48, 64), "PNG", exif=with_exif(6)),
    "photo.jpg": lambda: saved(blobs(64, 90), "JPEG", quality=90),
    "grey.jpg": lambda: saved(blobs(64, 90, 1)[..., 0], "JPEG"),
    "turned.jpg": lambda: saved(blobs(48, 64), "JPEG", exif=with_exif(8)),
    "lossless.webp": lambda: saved(blobs(70, 64), "WEBP", lossless=True),
    "plain.bmp": lambda: saved(blobs(64, 64), "BMP"),
    "first.gif": lambda: saved(Image.fromarray(blobs(64, 64)).quantize(64), "GIF"),
}


def mask_of(page: Page, picture: Path, size: tuple[int, int], target: Path) -> np.ndarray:
    """Open a picture of (height, width) on the page and download its mask."""
    page.set_input_files("#image-file", picture)
    expect(page.locator("#what")).to_have_text(f"{picture.name} · {size[1]} × {size[0]} px")
    assert saved_mask(page, target) == f"{picture.stem}_mask.png"
    return read_mask(target)


def check(page: Page, model: Path, picture: Path, folder: Path) -> None:
    image, void = read_image_and_void(picture)
    expected = OnnxPredictor(model).predict(image).classes
    assert len(np.unique(expected)) > 1
    if void is not None:
        expected = np.where(void, 255, expected)
    found = mask_of(page, picture, image.shape[:2], folder / "mask.png")
    assert found.shape == expected.shape
    assert int((found != expected).sum()) == 0


@pytest.mark.parametrize("name", PICTURES)
def test_a_static_grey_network_gives_the_mask_of_python(page: Page, models: Path, tmp_path: Path, name: str):
    picture = tmp_path / name
    picture.write_bytes(PICTURES[name]())
    check(page, models / "qtips.onnx", picture, tmp_path)


@pytest.mark.parametrize("model", ["colour", "dynamic", "deep", "float"])
def test_networks_of_other_kinds_give_the_masks_of_python(page: Page, models: Path, tmp_path: Path, model: str):
    file = models / f"{model}.onnx"
    page.set_input_files("#model-file", file)
    expect(page.locator("#model")).to_have_value("own")
    pictures = {
        f"{model}-colour.png": Image.fromarray(blobs(70, 90)),
        f"{model}-grey.png": Image.fromarray(blobs(70, 90, 1)[..., 0]),
        f"{model}-deep.png": Image.fromarray(blobs(70, 90, 1)[..., 0].astype(np.uint16) * 257 + 100),
    }
    for name, image in pictures.items():
        image.save(tmp_path / name)
        check(page, file, tmp_path / name, tmp_path)
        kind = {"deep": "uint16", "float": "float32"}.get(model, "uint8")
        stored = "uint16" if "deep.png" in name else "uint8"
        brought = (
            [f"{stored.title()} with white at", f"was brought to the {kind} with white at"] if stored != kind else []
        )
        for words in brought:
            expect(page.locator("#note")).to_contain_text(words)
        if not brought:
            expect(page.locator("#note")).not_to_contain_text("brought")
    page.select_option("#model", "0")
    expect(page.locator("#model-facts")).to_contain_text("64 × 64 px")


def test_the_page_says_what_was_done_to_an_image_of_another_size(page: Page, tmp_path: Path):
    notes = {(100, 64): "cut into 2 overlapping tiles", (20, 64): "edge repeated", (64, 64): ""}
    for (height, width), note in notes.items():
        picture = tmp_path / f"{height}.png"
        Image.fromarray(blobs(height, width)).save(picture)
        page.set_input_files("#image-file", picture)
        expect(page.locator("#what")).to_contain_text(picture.name)
        if note:
            expect(page.locator("#note")).to_contain_text(note)
        else:
            expect(page.locator("#note")).to_be_hidden()
    film = [Image.fromarray(blobs(20, 64)) for _ in range(3)]
    film[0].save(tmp_path / "film.webp", lossless=True, save_all=True, append_images=film[1:])
    page.set_input_files("#image-file", tmp_path / "film.webp")
    expect(page.locator("#note")).to_have_text(
        re.compile("^Holds 3 pictures, of which the first is read. This model .* edge")
    )


@pytest.mark.parametrize("options", [["--size", "64", "64"], ["--dynamic"]], ids=["fixed", "dynamic"])
def test_torch_onnxruntime_the_edge_program_and_the_page_agree(page: Page, tmp_path: Path, options: list[str]):
    """On a real network, with and without transparent pixels."""
    file = tmp_path / "real.onnx"
    assert command_line.main(["export", "qtips", *options, "--output", str(file)]) == 0
    page.set_input_files("#model-file", file)
    expect(page.locator("#model")).to_have_value("own")
    for n, size in enumerate([(64, 64), (64, 64), (120, 90)]):
        bar = Image.fromarray(QTips("authors", size=128, split="test")[n][0]).resize(size[::-1], Image.Resampling.BOX)
        if n > 0:
            alpha = np.full(size, 255, np.uint8)
            alpha[10:30, 20:35] = 0
            bar.putalpha(Image.fromarray(alpha))
        picture = tmp_path / f"bar-{n}.png"
        bar.save(picture)
        programs = {
            "torch": ["predict", str(picture), "--weights", "qtips"],
            "onnx": ["predict", str(picture), "--weights", str(file)],
            "edge": ["edge", str(file), "--source", str(picture), "--headless"],
        }
        masks = {}
        for name, arguments in programs.items():
            assert command_line.main([*arguments, "--output", str(tmp_path / name)]) == 0
            masks[name] = read_mask(tmp_path / name / f"bar-{n}_mask.png")
        masks["page"] = mask_of(page, picture, size, tmp_path / "mask.png")
        assert (masks["onnx"] == 255).sum() == (300 if n > 0 else 0)
        assert set(np.unique(masks["onnx"])) - {0, 255}
        if size != (64, 64) and "--dynamic" not in options:
            del masks["torch"]  # which takes the image at once, not in tiles
        for mask in masks.values():
            np.testing.assert_array_equal(mask, masks["onnx"])
    page.select_option("#model", "0")
    expect(page.locator("#model-facts")).to_contain_text("64 × 64 px")


def test_masks_have_the_numbers_of_the_users_masks(page: Page, models: Path, tmp_path: Path):
    model = onnx.load(models / "qtips.onnx")
    model.metadata_props[0].value = json.dumps(json.loads(model.metadata_props[0].value) | {"values": [7, 0, 255]})
    onnx.save(model, tmp_path / "own.onnx")
    page.set_input_files("#model-file", tmp_path / "own.onnx")
    expect(page.locator("#model")).to_have_value("own")
    picture = tmp_path / "own-numbers.png"
    picture.write_bytes(saved(blobs(64, 64, 1)[..., 0], "PNG"))
    classes = OnnxPredictor(models / "qtips.onnx").predict(read_image(picture)).classes
    found = mask_of(page, picture, (64, 64), tmp_path / "mask.png")
    np.testing.assert_array_equal(found, np.array([7, 0, 255])[classes])
    expect(page.locator("#mask-numbers")).to_contain_text("the network was trained on")
    expect(page.locator("#mask-numbers")).to_contain_text("7 background, 0 middle, 255 bright.")
    picture = tmp_path / "own-transparent.png"
    picture.write_bytes(PICTURES["transparent-grey.png"]())
    _, void = read_image_and_void(picture)
    assert void is not None
    found = mask_of(page, picture, (64, 64), tmp_path / "mask.png")
    np.testing.assert_array_equal(found == 254, void)
    expect(page.locator("#note")).to_have_text(
        f"{void.sum()} transparent pixels: 254, ignored, in the mask, since 255 stands for “bright”."
    )
    page.select_option("#model", "0")
    expect(page.locator("#model-facts")).to_contain_text("64 × 64 px")


def test_transparent_pixels_are_shown_in_stripes_and_said(page: Page, tmp_path: Path):
    page.click("#draw")
    expect(page.locator("#mask-numbers")).to_have_text("PNG of class numbers, at the size of the image itself.")
    picture = np.dstack([blobs(64, 64), np.full((64, 64), 255, np.uint8)])
    picture[3:9, 10:50, 3] = 0
    Image.fromarray(picture).save(tmp_path / "hole.png")
    page.set_input_files("#image-file", tmp_path / "hole.png")
    expect(page.locator("#note")).to_have_text("240 transparent pixels: 255, ignored, in the mask.")
    shown = page.locator("#classes").evaluate(
        "c => Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data)"
    )
    void = picture[..., 3] == 0
    expected = colour_mask(np.where(void, 255, 0).astype(np.uint8), [(0, 0, 0)])
    found = np.array(shown, np.uint8).reshape(64, 64, 4)
    np.testing.assert_array_equal(found[void], np.insert(expected[void], 3, 255, axis=1))


def test_twelve_bits_in_a_file_of_sixteen_are_refused(page: Page, tmp_path: Path):
    Image.fromarray(blobs(64, 64, 1)[..., 0].astype(np.uint16) * 16).save(tmp_path / "twelve.png")
    page.set_input_files("#image-file", tmp_path / "twelve.png")
    expect(page.locator("#problem")).to_contain_text("as one of 12 bits would")
