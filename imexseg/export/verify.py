"""Comparing the exported file in onnxruntime with the network in torch: logits, classes, time."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from imexseg.data.read.tensors import image_to_tensor
from imexseg.export.compact import remove_unused
from imexseg.export.metadata import info_of
from imexseg.inference.core import CoreSession
from imexseg.models.contract import ImageNetwork

LARGEST_DIFFERENCE = 1e-4  # of the spread of the logits, fp32
SMALLEST_AGREEMENT = 0.999  # fp32, fp16
SMALLEST_ELSEWHERE = 0.99  # fp16, on images unlike those of the training


@dataclass(frozen=True)
class Comparison:
    """Over all images: largest difference of logits relative to their spread, share of pixels of the same class; and the median
    milliseconds an image.
    """

    logit_difference: float
    agreement: float
    torch_ms: float
    onnxruntime_ms: float
    images: int


def without_logits(model: onnx.ModelProto) -> onnx.ModelProto:
    """The file for users, from the one with logits for the comparison."""
    stripped = onnx.ModelProto()
    stripped.CopyFrom(model)
    graph = stripped.graph
    for output in [value for value in graph.output if value.name == "logits"]:
        graph.output.remove(output)
    remove_unused(graph)
    return stripped


def session(model: Path | bytes, threads: int = 0) -> onnxruntime.InferenceSession:
    """Args: threads: 0 for as many as there are cores."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def runnable(
    opened: onnxruntime.InferenceSession, model: onnx.ModelProto
) -> onnxruntime.InferenceSession | CoreSession:
    """That takes images and gives classes, a core file too."""
    info = info_of(model)
    return opened if info.core is None else CoreSession("the core file", opened, info)


def compare(
    network: ImageNetwork, with_logits: onnx.ModelProto, written: Path, images: Sequence[np.ndarray]
) -> Comparison:
    """Args: images: (H, W, C) of the type that the file takes.  written: the file without logits, whose classes count."""
    full = runnable(session(with_logits.SerializeToString()), with_logits)
    final = runnable(session(written), with_logits)
    differences, equal, pixels = [], 0, 0
    for image in images:
        expected = reference_logits(network, image)
        (found,) = full.run(["logits"], {"image": image[None]})
        (classes,) = final.run(["classes"], {"image": image[None]})
        differences.append(difference(found[0], expected))
        equal += int((classes[0] == expected.argmax(0)).sum())
        pixels += classes[0].size
    # not max(): a file that yields NaN must not pass
    largest = float(np.max(differences))
    one = images[0]
    tensor = as_tensor(one)
    with torch.inference_mode():
        torch_ms = milliseconds(lambda: network(tensor).argmax(1))
    onnxruntime_ms = milliseconds(lambda: final.run(["classes"], {"image": one[None]}))
    return Comparison(largest, equal / pixels, torch_ms, onnxruntime_ms, len(images))


def difference(found: np.ndarray, expected: np.ndarray) -> float:
    """Largest |difference| as a share of the spread, largest minus smallest, of what is expected."""
    return float(np.abs(found - expected).max() / np.ptp(expected))


def reference_logits(network: ImageNetwork, image: np.ndarray) -> np.ndarray:
    """What torch says. Shapes: (H, W, C) → (num_classes, H, W)."""
    with torch.inference_mode():
        return network(as_tensor(image))[0].numpy()


def as_tensor(image: np.ndarray) -> torch.Tensor:
    """Raw pixel values. Shapes: (H, W, C) → (1, C, H, W) float32."""
    return image_to_tensor(image)[None]


def milliseconds(run: Callable[[], object], repeats: int = 11) -> float:
    """Median of a few runs, after two that warm up."""
    for _ in range(2):
        run()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times)
