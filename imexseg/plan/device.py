"""What a network takes on the device that it is for: bytes of its .onnx and milliseconds an image, both measured untrained."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import torch

from imexseg.models.build import build_network
from imexseg.models.contract import ImageNetwork
from imexseg.models.count import count_parameters
from imexseg.training.config import RunConfig
from imexseg.training.fit import RunData, model_info
from imexseg.training.multilevel import network_settings

PRECISIONS = ("fp32", "fp16")
REPEATS = 15
LARGEST = 2048  # pixels of a side
LONGEST = 2.0  # seconds of measuring


@dataclass(frozen=True)
class Weighed:
    """bytes: of the .onnx.  ms: an image of `size` (height, width), scaled and normalised inside.  by: what measured it.
    remark: why that was not onnxruntime.
    """

    bytes: int
    ms: float
    size: tuple[int, int]
    threads: int
    precision: str
    parameters: int
    by: str = "onnxruntime"
    remark: str = ""
    took: float = 0.0


def weigh(config: RunConfig, data: RunData, threads: int, precision: str = "fp32") -> Weighed:
    """Export the network of the settings with random weights for images of the most common size, and run it.

    Where that is not possible, torch is timed instead, and the size is that of the weights: `remark` says why.
    """
    begun = perf_counter()
    network = _untrained(config, data)
    size = _within(tuple(network.info.data["size"]))
    n = count_parameters(network)
    try:
        from imexseg.export.build import build
        from imexseg.export.metadata import ExportOptions
        from imexseg.export.verify import session
        from imexseg.export.write import for_users

        least = network.smallest_exported_side
        size = (max(size[0], least), max(size[1], least))
        content = for_users(build(network, ExportOptions(size, precision))).SerializeToString()
        file = session(content, threads)
        image = _image(network, size)
        ms = milliseconds(lambda: file.run(["classes"], {"image": image[None]}))
        return Weighed(len(content), ms, size, threads, precision, n, took=perf_counter() - begun)
    except Exception as error:  # ImportError, UsageError, and onnxruntime's, which have no common class
        remark = " ".join(str(error).split())[:150]
    with _threads(threads), torch.inference_mode():
        pixels = torch.from_numpy(_image(network, size)).permute(2, 0, 1)[None].float()
        ms = milliseconds(lambda: network(pixels).argmax(1))
    weights = sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())
    half = 2 if precision == "fp16" else 1
    took = perf_counter() - begun
    return Weighed(weights // half, ms, size, threads, precision, n, "torch", remark, took)


def parameters_of(config: RunConfig, data: RunData) -> int:
    return count_parameters(_untrained(config, data))


def _untrained(config: RunConfig, data: RunData) -> ImageNetwork:
    with redirect_stdout(io.StringIO()):
        network = build_network(network_settings(config, data)).eval()
    network.info = model_info(config, data, network)
    return network


def _within(size: tuple[int, ...]) -> tuple[int, int]:
    """Images larger than a camera's are timed at a smaller size."""
    factor = min(1.0, LARGEST / max(size))
    return max(1, round(factor * size[0])), max(1, round(factor * size[1]))


def _image(network: ImageNetwork, size: tuple[int, ...]) -> np.ndarray:
    """Noise of the type and range of the training images. Shapes: → (H, W, C)."""
    from imexseg.export.sample_images import random_images

    return random_images(network.info, (size[0], size[1]), 1)[0]


def milliseconds(run: Callable[[], object]) -> float:
    """The median of a few runs behind two that warm up, within LONGEST seconds."""
    run()
    times: list[float] = []
    started = perf_counter()
    run()
    while len(times) < REPEATS and (len(times) < 3 or perf_counter() - started < LONGEST):
        begun = perf_counter()
        run()
        times.append(perf_counter() - begun)
    return 1e3 * float(np.median(times))


@contextmanager
def _threads(number: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
