"""A predictor on onnxruntime for files that `imexseg export` wrote. Imports neither torch nor anything that needs it."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import numpy as np
import onnxruntime

from imexseg.data.read.as_trained import as_trained, trained_dtype
from imexseg.errors import JobError, UsageError
from imexseg.inference.core import CoreSession, read_sidecar
from imexseg.inference.footprint import Footprint
from imexseg.inference.prediction import Prediction
from imexseg.models.checksum import checked_seal
from imexseg.models.prediction_info import METADATA_KEY, OnnxInfo, read_mapping, validated

_TYPES = {"tensor(uint8)": np.uint8, "tensor(uint16)": np.uint16, "tensor(float)": np.float32}


class OnnxPredictor:
    """Runs an exported file on images of any size, channels and bit depth; the interface of Predictor.

    A file of a fixed size sees an image of another size as tiles of its own size that overlap; where the image is smaller
    its last row and column are repeated. `adaptation` says so in words.
    Raises: UsageError naming the file and the remedy if it is missing, not ONNX, or not of imexseg.
    """

    def __init__(self, path: Path, threads: int = 0):
        self.path = path
        if not path.is_file():
            raise UsageError(f"{path}: no such file; give an .onnx that `imexseg export` wrote")
        seal = checked_seal(path)
        self.usual_threads = threads
        session = _session(path, threads)
        self.info = _read_info(path, session, seal)
        if self.info.core is None:
            _require_interface(path, session, self.info)
        self.session = self._runnable(session)
        self._sessions = {threads: self.session}
        self.seen_radius = self.info.seen_radius
        self.parameters = self.info.parameters
        self.long_side = self.info.long_side
        self.outputs = [output.name for output in session.get_outputs()]
        self.dtype = np.dtype(_TYPES[session.get_inputs()[0].type])
        if self.info.core is not None:
            self.outputs, self.dtype = ["classes", "probabilities"], trained_dtype(self.info)
        self.gives_probabilities = "probabilities" in self.outputs

    def predict(self, image: np.ndarray, name: str | Path = "image") -> Prediction:
        """Args: image: (H, W, C) uint8, uint16 or float32.  name: for messages.

        Raises: UsageError if its channels cannot be brought to the network's; JobError if memory does not suffice.
        """
        return self.segment(as_trained(image, self.info, name)[0], name)

    def segment(self, pixels: np.ndarray, name: str | Path = "image") -> Prediction:
        """As predict, for pixels that have the channels, the type and the scale of the training images already."""
        found = self._in_tiles(pixels, self.outputs, name)
        classes, probabilities = found["classes"], found.get("probabilities")
        return Prediction(classes, one_hot(classes, len(self.info.names)) if probabilities is None else probabilities)

    def classes(self, pixels: np.ndarray, name: str | Path = "image") -> np.ndarray:
        """The classes of segment alone: faster where nobody asks for probabilities. Shapes: (H, W, C) → (H, W) uint8."""
        return self._in_tiles(pixels, ["classes"], name)["classes"]

    def predict_batch(self, images: list[np.ndarray], name: str | Path = "image") -> list[Prediction]:
        """One after the other."""
        return [self.predict(image, name) for image in images]

    def classes_batch(self, images: list[np.ndarray], name: str | Path = "image") -> list[np.ndarray]:
        """As classes, one after the other: the files take one image a call."""
        return [self.classes(image, name) for image in images]

    @contextmanager
    def threads(self, number: int | None) -> Iterator[None]:
        """Within it the network computes with so many threads, whoever calls it; None: as many as at first."""
        wanted, before = self.usual_threads if number is None else number, self.session
        if wanted not in self._sessions:
            self._sessions[wanted] = self._runnable(_session(self.path, wanted))
        self.session = self._sessions[wanted]
        try:
            yield
        finally:
            self.session = before

    def _runnable(self, session: onnxruntime.InferenceSession) -> onnxruntime.InferenceSession | CoreSession:
        return session if self.info.core is None else CoreSession(self.path, session, self.info)

    def adaptation(self, image: np.ndarray) -> str | None:
        """What predict does with an image of this size, in words; None if it is just right."""
        height, width = image.shape[:2]
        least = self.info.minimum_size
        if self.info.size is None and (height < least[0] or width < least[1]):
            needed = f"{least[1]} x {least[0]} px or more"
            return f"the network takes {needed}: {width} x {height} px are segmented with an extended edge"
        if self.info.size is None or (height, width) == self.info.size:
            return None
        fixed = f"{self.info.size[1]} x {self.info.size[0]} px"
        how = "tiles that overlap" if height > self.info.size[0] or width > self.info.size[1] else "an extended edge"
        return f"the file is for images of {fixed}: {width} x {height} px are segmented with {how}; --dynamic exports any size"

    @cached_property
    def footprint(self) -> Footprint:
        """What segmenting one image takes."""
        from imexseg.inference.onnx_footprint import footprint

        found = footprint(self.path, self.info, self.dtype)
        return found.plus(1 + 5 * len(self.info.names))  # the answer, where it is put together or made of classes

    def _run(self, pixels: np.ndarray, outputs: list[str], name: str | Path) -> dict[str, np.ndarray]:
        """Output ↦ its value for one image of a size that the file takes."""
        try:
            values = self.session.run(outputs, {"image": np.ascontiguousarray(pixels)[None]})
        except Exception as error:
            height, width = pixels.shape[:2]
            if "memory" in str(error).lower() or "alloc" in str(error).lower():
                remedy = "scale it down" if self.long_side else "use --tile 1024"
                raise JobError(f"{name}: {width} x {height} px do not fit in memory; {remedy}") from None
            raise JobError(f"{name}: {self.path} failed on it ({' '.join(str(error).split())[:200]})") from None
        found = {output: value[0] for output, value in zip(outputs, values, strict=True)}
        classes = found["classes"]
        if classes.shape != pixels.shape[:2] or classes.max() >= len(self.info.names):
            raise UsageError(
                f"{self.path}: answers {classes.shape} px with classes up to {classes.max()} to {pixels.shape[:2]} px with "
                f"{len(self.info.names)} names; export it again"
            )
        return found

    def _in_tiles(self, pixels: np.ndarray, outputs: list[str], name: str | Path) -> dict[str, np.ndarray]:
        """Output ↦ its value for the whole image, (..., H, W): mostly one tile; the rule of apps/web, for equal masks."""
        height, width = pixels.shape[:2]
        least = self.info.minimum_size
        tall, wide = self.info.size or (max(height, least[0]), max(width, least[1]))
        if (height, width) == (tall, wide):
            return self._run(pixels, outputs, name)
        padded = np.pad(pixels, ((0, max(0, tall - height)), (0, max(0, wide - width)), (0, 0)), mode="edge")
        whole: dict[str, np.ndarray] = {}
        for top, *rows in tiles_along(height, tall):
            for left, *columns in tiles_along(width, wide):
                inner = (..., slice(rows[0] - top, rows[1] - top), slice(columns[0] - left, columns[1] - left))
                seen = self._run(padded[top : top + tall, left : left + wide], outputs, name)
                for output, value in seen.items():
                    if output not in whole:
                        whole[output] = np.empty((*value.shape[:-2], height, width), value.dtype)
                    whole[output][..., slice(*rows), slice(*columns)] = value[inner]
        return whole


def tiles_along(length: int, size: int) -> list[tuple[int, int, int]]:
    """Along one axis: where each tile starts, and from where to where in the image its result counts. Pixels.

    Neighbours overlap by a quarter or more; the seam runs through the middle of what they share.
    """
    if length <= size:
        return [(0, 0, length)]
    overlap = size // 4
    last = -(-(length - overlap) // (size - overlap)) - 1
    starts = [i * (length - size) // last for i in range(last + 1)]
    seams = [(left + size + right) // 2 for left, right in itertools.pairwise(starts)]
    return list(zip(starts, [0, *seams], [*seams, length], strict=True))


def one_hot(classes: np.ndarray, n_classes: int) -> np.ndarray:
    """Certainty, for files that give classes only. Shapes: (H, W) → (n_classes, H, W) float32."""
    return (np.arange(n_classes)[:, None, None] == classes).astype(np.float32)


def _session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.enable_mem_pattern = False  # it keeps a plan, with its memory, for every size of an image
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has no common base class for its errors
        reason = " ".join(str(error).split())[:200]
        raise UsageError(f"{path}: is not a readable ONNX file, or it is truncated ({reason})") from None


def _read_info(path: Path, session: onnxruntime.InferenceSession, seal: str | None) -> OnnxInfo:
    try:
        text = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
    except ValueError:
        raise UsageError(f"{path}: its metadata is not text in UTF-8; it is damaged") from None
    if text is None:
        raise UsageError(f"{path}: has no imexseg metadata; give an .onnx that `imexseg export` wrote")
    info = validated(path, read_mapping(path, text, seal), OnnxInfo)
    return info if info.core is None else read_sidecar(path)


def _require_interface(path: Path, session: onnxruntime.InferenceSession, info: OnnxInfo) -> None:
    """The graph must take and give what the metadata say. Raises: UsageError."""
    inputs, outputs = session.get_inputs(), {output.name: output for output in session.get_outputs()}
    sides = [*info.size, info.in_channels] if info.size else [info.in_channels]
    if [given.name for given in inputs] != ["image"] or inputs[0].type not in _TYPES or len(inputs[0].shape) != 4:
        problem = "does not take one image of 8 or 16 bit or float"
    elif inputs[0].shape[-len(sides) :] != sides:
        problem = f"takes {inputs[0].shape[1:]}, not the height, width and channels of its metadata, {sides}"
    elif "classes" not in outputs or outputs["classes"].type != "tensor(uint8)":
        problem = "does not give the classes as 8-bit numbers"
    else:
        return
    raise UsageError(f"{path}: its graph {problem}; export it again")
