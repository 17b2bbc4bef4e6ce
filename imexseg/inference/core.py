"""Core files, the layers alone: their sidecar, and the steps before and behind them in numpy. Imports no torch."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime

from imexseg.errors import UsageError
from imexseg.inference.resize import resized, seen_size
from imexseg.models.prediction_info import CORE_INPUT, CORE_OUTPUT, LARGEST_TEXT, OnnxInfo, validated

FILE_KEY, DIGEST_KEY = "file", "sha256"  # of the sidecar only; its other keys are those of the metadata
Layers = Callable[[np.ndarray], np.ndarray]  # (1, C, H, W) normalised ↦ logits (1, num_classes, H, W), both float32


def sidecar_path(path: Path) -> Path:
    """Beside the file: core.onnx ↦ core.onnx.json."""
    return path.with_name(f"{path.name}.json")


def sidecar_text(path: Path, name: str, info: OnnxInfo) -> str:
    """The sidecar of a finished file. Args: path: where it is now.  name: what it will be called."""
    content = {FILE_KEY: name, DIGEST_KEY: file_digest(path), **info.model_dump(mode="json")}
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def file_digest(path: Path) -> str:
    """SHA-256 of the whole file, as sha256sum prints it."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_sidecar(path: Path) -> OnnxInfo:
    """What the sidecar of a core file says. Args: path: of the core file.

    Raises: UsageError if it is missing, damaged, or belongs to another file.
    """
    beside = sidecar_path(path)
    again = "copy it from where the file came from, or export with --core again"
    if not beside.is_file():
        raise UsageError(f"{path}: is a core file, and its sidecar {beside.name} is not beside it; {again}")
    try:
        if beside.stat().st_size > LARGEST_TEXT:
            raise ValueError(f"it is larger than {LARGEST_TEXT >> 20} MiB")
        content = json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(
            f"{beside}: is not a readable sidecar ({' '.join(str(error).split())[:200]}); {again}"
        ) from None
    if not isinstance(content, dict) or DIGEST_KEY not in content:
        raise UsageError(f"{beside}: is not the sidecar of a core file: it has no {DIGEST_KEY}; {again}")
    if content.pop(DIGEST_KEY) != file_digest(path):
        belongs = content.get(FILE_KEY)
        raise UsageError(
            f"{beside}: belongs to another file{f' ({belongs[:100]})' if isinstance(belongs, str) else ''}: its {DIGEST_KEY} is "
            f"not that of {path.name}; {again}"
        )
    content.pop(FILE_KEY, None)
    info = validated(beside, content, OnnxInfo)
    if info.core is None:
        raise UsageError(f"{beside}: is not the sidecar of a core file: it has no core; {again}")
    return info


class CoreSession:
    """Runs a core file as if it were a whole one: image in, `classes`, `probabilities` or `logits` out.

    layers: what computes the logits; others than onnxruntime may take its place.
    Raises: UsageError if the graph does not take and give what its metadata say.
    """

    def __init__(self, path: Path | str, session: onnxruntime.InferenceSession, info: OnnxInfo):
        assert info.core is not None
        self.info, self.core = info, info.core
        self.layers: Layers = lambda given: session.run([CORE_OUTPUT], {CORE_INPUT: given})[0]
        given, found = session.get_inputs(), session.get_outputs()
        said = [info.in_channels, *(self.core.input_size or [])]
        if [value.name for value in given] != [CORE_INPUT] or given[0].type != "tensor(float)":
            problem = f"does not take one float tensor called {CORE_INPUT}"
        elif len(given[0].shape) != 4 or given[0].shape[1 : 1 + len(said)] != said:
            problem = f"takes {given[0].shape[1:]}, not the channels, height and width of its metadata, {said}"
        elif [value.name for value in found] != [CORE_OUTPUT] or found[0].shape[1:2] != [len(info.names)]:
            problem = f"does not give {CORE_OUTPUT} of {len(info.names)} classes"
        else:
            return
        raise UsageError(f"{path}: its graph {problem}; export it again")

    def run(self, outputs: list[str], given: dict[str, np.ndarray]) -> list[np.ndarray]:
        """Shapes: given["image"] (B, H, W, C) → as the outputs of a whole file."""
        image = given["image"]
        size = image.shape[1:3]
        scores = finished(self.layers(prepared(image, self.info)), size, self.info)
        return [_OUTPUTS[name](scores) for name in outputs]


def _seen(size: tuple[int, ...], info: OnnxInfo) -> tuple[int, int]:
    assert info.core is not None
    height, width = size
    return seen_size(height, width, info.long_side, info.core.smallest_side) if info.long_side else (height, width)


def prepared(image: np.ndarray, info: OnnxInfo) -> np.ndarray:
    """What the layers take. Shapes: (B, H, W, C) → (B, C, H', W') float32."""
    core = info.core
    assert core is not None
    seen = resized(image.transpose(0, 3, 1, 2).astype(np.float32), _seen(image.shape[1:3], info), antialias=True)
    mean, std = (np.asarray(values, np.float32).reshape(-1, 1, 1) for values in (core.mean, core.std))
    below, right = (-side % core.stride for side in seen.shape[-2:])
    return np.pad((seen - mean) / std, ((0, 0), (0, 0), (0, below), (0, right)), mode="edge")


def finished(logits: np.ndarray, size: tuple[int, ...], info: OnnxInfo) -> np.ndarray:
    """Logits of the image. Shapes: (B, num_classes, H', W') → (B, num_classes, *size)."""
    height, width = _seen(size, info)
    return resized(logits[..., :height, :width], (size[0], size[1]), antialias=False)


def _probabilities(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


_OUTPUTS = {
    "classes": lambda scores: scores.argmax(1).astype(np.uint8),
    "probabilities": _probabilities,
    CORE_OUTPUT: lambda scores: scores,
}
