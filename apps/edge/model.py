"""An exported network in onnxruntime: image in, class of every pixel out."""

from pathlib import Path

import numpy as np
import onnxruntime as ort

from apps.edge.errors import JobError, UsageError
from apps.edge.metadata import read_info
from apps.edge.tiles import cut, tiles_along

_LUMA = (299, 587, 114)  # thousandths of red, green and blue, ITU-R 601
_DTYPES = {"tensor(uint8)": np.uint8, "tensor(uint16)": np.uint16, "tensor(float)": np.float32}
_QUIET = 4  # onnxruntime's log level: what goes wrong is said here


class Model:
    """Args: path: an .onnx file that `imexseg export` wrote.  threads: of onnxruntime; 0 leaves it to choose.

    Raises: UsageError naming the file and the remedy if it is missing, not ONNX, or not imexseg's.
    """

    def __init__(self, path: Path, threads: int = 0):
        if not path.is_file():
            raise UsageError(f"{path}: no such file; give an .onnx file that `imexseg export` wrote")
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = _QUIET
        try:
            self.session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has no common base of its errors
            raise UsageError(f"{path}: is not an ONNX file that can be run ({_first_line(error)})") from None
        self.path = path
        self.info = read_info(path, self.session.get_modelmeta().custom_metadata_map)
        inputs = {value.name: value.type for value in self.session.get_inputs()}
        outputs = [value.name for value in self.session.get_outputs()]
        if inputs.get("image") not in _DTYPES or "classes" not in outputs:
            raise UsageError(f"{path}: has no input `image` or no output `classes`; export it again")
        self.dtype = np.dtype(_DTYPES[inputs["image"]])

    def segment(self, image: np.ndarray, name: object = "image") -> np.ndarray:
        """Shapes: (H, W, C) RGB or grey, uint8, uint16 or float32 → (H, W) uint8, the number of each pixel's class.

        Raises: UsageError if its channels do not fit; JobError if the network fails, for want of memory say.
        """
        pixels = self._as_input(to_channels(image, self.info.in_channels, name))
        height, width = image.shape[:2]
        minimum = self.info.minimum_size
        tile_height, tile_width = self.info.size or (max(height, minimum[0]), max(width, minimum[1]))
        classes = np.empty((height, width), dtype=np.uint8)
        for row in tiles_along(height, tile_height):
            for column in tiles_along(width, tile_width):
                tile = cut(pixels, row.start, column.start, tile_height, tile_width)
                result = self._run(tile, name)
                classes[row.begin : row.end, column.begin : column.end] = result[
                    row.begin - row.start : row.end - row.start, column.begin - column.start : column.end - column.start
                ]
        return classes

    def size_note(self, height: int, width: int) -> str | None:
        """What is done to an image of this size, if anything."""
        if self.info.size is None:
            return None
        tile_height, tile_width = self.info.size
        n_tiles = len(tiles_along(height, tile_height)) * len(tiles_along(width, tile_width))
        what = f"{width} x {height} px, the network takes {tile_width} x {tile_height}"
        if n_tiles > 1:
            return f"{what}: cut into {n_tiles} overlapping tiles, each of which sees only its part"
        return f"{what}: edge repeated to fill it" if (height, width) != self.info.size else None

    def _as_input(self, image: np.ndarray) -> np.ndarray:
        """The network's type of number, white brought to its white."""
        white = float(np.iinfo(image.dtype).max) if np.issubdtype(image.dtype, np.integer) else 1.0
        if image.dtype == self.dtype and white == self.info.full_scale:
            return image
        scaled = image * np.float32(self.info.full_scale / white)
        return (np.floor(scaled + 0.5) if np.issubdtype(self.dtype, np.integer) else scaled).astype(self.dtype)

    def _run(self, tile: np.ndarray, name: object) -> np.ndarray:
        try:
            return self.session.run(["classes"], {"image": tile[None]})[0][0]
        except Exception as error:
            raise JobError(f"{name}: the network failed ({_first_line(error)}); try a smaller image") from None


def to_channels(image: np.ndarray, channels: int, name: object) -> np.ndarray:
    """(H, W, C) → (H, W, channels): grey is repeated, colour becomes luma, rounded to the nearest, halves up."""
    found = image.shape[2]
    if found == channels:
        return image
    if found == 1 and channels == 3:
        return np.repeat(image, 3, axis=2)
    if found == 3 and channels == 1:
        if np.issubdtype(image.dtype, np.integer):
            luma = (image @ np.array(_LUMA, dtype=np.uint32) + 500) // 1000
        else:
            luma = image @ (np.array(_LUMA) / 1000)
        return luma.astype(image.dtype)[..., None]
    raise UsageError(f"{name}: has {found} channels, the network takes {channels}; convert the image")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
