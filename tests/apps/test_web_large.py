"""Photographs of twelve megapixels: the runtime never holds the scores of all classes."""

import json
import re
from pathlib import Path

import numpy as np
import onnx
from box_model import box_model
from onnx import TensorProto, helper, numpy_helper
from page_tools import downloaded_mask
from PIL import Image
from playwright.sync_api import Browser, expect

from imexseg.data.read.images import read_image
from imexseg.export.strips import in_strips
from imexseg.inference.onnx_predictor import OnnxPredictor

CLASSES = 10
SIZE = (3000, 4000)
SEEN = (192, 256)
# What WebAssembly has asked for, which it never gives back: its peak.
WATCHED = """
const { instantiate, Memory } = WebAssembly;
const memories = [];
WebAssembly.Memory = class extends Memory {
  constructor(...given) {
    super(...given);
    memories.push(this);
  }
};
WebAssembly.instantiate = async (...given) => {
  const found = await instantiate.apply(WebAssembly, given);
  memories.push(...Object.values((found.instance ?? found).exports).filter((value) => value instanceof Memory));
  return found;
};
self.wasmBytes = () => Math.max(...memories.map(({ buffer }) => buffer.byteLength));
"""


def scaling_model() -> onnx.ModelProto:
    """Any image seen at one size; each of ten classes where one mixture of colours is largest, scaled back."""
    n = helper.make_node
    mixtures = np.random.default_rng(8).normal(size=(CLASSES, 3, 1, 1)).astype(np.float32)
    nodes = [
        n("Transpose", ["image"], ["planes"], perm=[0, 3, 1, 2]),
        n("Cast", ["planes"], ["numbers"], to=TensorProto.FLOAT),
        n("Resize", ["numbers", "", "", "seen"], ["small"], mode="linear", antialias=1, exclude_outside=1),
        n("Conv", ["small", "mixtures", "shift"], ["scores"]),
        n("Shape", ["image"], ["sides"], start=1, end=3),
        n("Concat", ["own", "sides"], ["whole"], axis=0),
        n("Resize", ["scores", "", "", "whole"], ["large"], mode="linear"),
        n("ArgMax", ["large"], ["number"], axis=1, keepdims=0),
        n("Cast", ["number"], ["classes"], to=TensorProto.UINT8),
    ]
    constants = {
        "seen": np.array([1, 3, *SEEN]),
        "own": np.array([1, CLASSES]),
        "mixtures": mixtures,
        "shift": -128 * mixtures.sum(axis=(1, 2, 3)),
    }
    graph = helper.make_graph(
        nodes,
        "scaling",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, "H", "W", 3])],
        [helper.make_tensor_value_info("classes", TensorProto.UINT8, [1, "H", "W"])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    facts = json.loads(box_model(None, channels=3).metadata_props[0].value)
    facts |= {"names": [f"class {k}" for k in range(CLASSES)], "palette": [[25 * k, 0, 0] for k in range(CLASSES)]}
    helper.set_model_props(model, {"imexseg": json.dumps(facts | {"long_side": max(SEEN)})})
    return model


def test_twelve_megapixels_fit(browser: Browser, address: str, tmp_path: Path):
    onnx.save(in_strips(scaling_model()), tmp_path / "scaling.onnx")
    coarse = np.random.default_rng(9).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize(SIZE[::-1], Image.Resampling.BICUBIC).save(tmp_path / "photo.jpg", quality=90)
    with browser.new_context(service_workers="block") as context:
        page = context.new_page()

        def watched(route):
            answer = route.fetch()
            route.fulfill(response=answer, body=answer.text() + WATCHED)

        page.route(re.compile(r"/worker\.js"), watched)
        page.goto(address)
        expect(page.locator("#timing")).to_have_text(re.compile(r"\d ms"), timeout=30_000)
        page.set_input_files("#model-file", tmp_path / "scaling.onnx")
        expect(page.locator("#model")).to_have_value("own")
        page.set_input_files("#image-file", tmp_path / "photo.jpg")
        expect(page.locator("#what")).to_have_text("photo.jpg · 4000 × 3000 px", timeout=60_000)
        peak = page.workers[0].evaluate("() => self.wasmBytes()")
        found = downloaded_mask(page, tmp_path)
    assert 36e6 < peak < 160e6  # the image alone is 36 MB, scores at its size would be 480 MB
    expected = OnnxPredictor(tmp_path / "scaling.onnx").classes(read_image(tmp_path / "photo.jpg"))
    assert len(np.unique(expected)) == CLASSES
    assert (found == expected).mean() > 0.9999
