"""The metadata of a file with a trained network, .safetensors and .onnx alike. Imports no torch.

docs/format.md describes the keys for those who read them with other programs.
"""

import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

import imexseg
from imexseg.data.description.palette import Byte, Colour
from imexseg.errors import UsageError
from imexseg.settings import explain_validation

METADATA_KEY = "imexseg"  # under which both kinds of files keep it, as JSON
CORE_INPUT, CORE_OUTPUT = "normalised", "logits"  # of a core file
FORMAT = 2  # docs/format.md says what raises it
FIRST_WITH_CHECKSUM = 2
LARGEST_TEXT = 1 << 24  # bytes of JSON

Finite = Annotated[float, Field(allow_inf_nan=False)]
Side = Annotated[int, Field(ge=1, le=1 << 20)]  # pixels


class PixelRange(BaseModel):
    """Which pixel values the training images hold: what an image to be segmented is compared with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dtype: Literal["uint8", "uint16", "float32"]
    lowest: Finite
    highest: Finite


class PredictionInfo(BaseModel):
    """What predicting needs to know, whatever runs the network. Raises: pydantic.ValidationError naming the key."""

    model_config = ConfigDict(extra="forbid")

    format: int = FORMAT
    model: str = Field(max_length=1000)  # the registered name it was built from
    names: list[Annotated[str, Field(max_length=1000)]] = Field(min_length=2, max_length=254)
    palette: list[Colour]
    values: list[Byte] = []  # what stands for each class in the masks it was trained on, and in those it writes
    full_scale: float = Field(
        gt=0, allow_inf_nan=False, strict=True
    )  # the pixel value that means white: 255, 65535, or 1 for floats
    pixel_range: PixelRange | None = None  # None: weights of before it was kept
    # That the logits are divided by for an honest confidence (inference/confidence.py); None: not calibrated.
    temperature: float | None = Field(default=None, gt=0, allow_inf_nan=False, strict=True)
    version: str = Field(max_length=100)  # of imexseg

    @model_validator(mode="after")
    def _one_for_each_class(self) -> "PredictionInfo":
        n = len(self.names)
        if not self.values:
            self.values = list(range(n))
        if len(self.palette) != n:
            raise ValueError(f"palette has {len(self.palette)} colours for {n} names")
        if len(self.values) != n or len(set(self.values)) != n:
            raise ValueError(f"values should be {n} different numbers, one for each name")
        return self


class CoreInfo(BaseModel):
    """What a core file, the layers alone, leaves to whoever runs it.

    Before it: the image scaled so that its longer side has long_side pixels (if there is one; no side below smallest_side),
    (pixel - mean) / std, the last row and column repeated up to a multiple of the stride. After it: the logits cropped,
    scaled back, and the largest taken.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mean: list[Finite]  # of each channel, in the units of the image file
    std: list[Annotated[float, Field(gt=0, allow_inf_nan=False)]]
    stride: int = Field(ge=1, le=1 << 20)
    smallest_side: Side
    input_size: tuple[Side, Side] | None = None  # height and width of its input; None: any multiple of the stride


class OnnxInfo(PredictionInfo):
    """What an exported file says of itself, so that running it needs no second file."""

    in_channels: int = Field(ge=1, le=1024, strict=True)
    size: tuple[Side, Side] | None = None  # height and width; None: any from minimum_size
    minimum_size: tuple[Side, Side] = (1, 1)
    long_side: Side | None = None
    parameters: int = Field(ge=0, le=1 << 40)
    seen_radius: int = Field(ge=0, le=1 << 40)  # pixels, see inference/overlap.py
    precision: str = Field("fp32", max_length=100)
    licence: str = Field("", max_length=10_000)
    metrics: dict[str, Any] = {}
    data: dict[str, Any] = {}
    augmentation: str | None = None
    core: CoreInfo | None = None  # None: the file begins with the image and ends with the classes

    @model_validator(mode="after")
    def _one_for_each_channel(self) -> "OnnxInfo":
        if self.core is not None and {len(self.core.mean), len(self.core.std)} != {self.in_channels}:
            raise ValueError(f"core should have a mean and a std for each of {self.in_channels} channels")
        return self

    @property
    def training(self) -> dict[str, Any]:
        """As far as an exported file keeps it."""
        return {"augmentation": self.augmentation}


Info = TypeVar("Info", bound=PredictionInfo)


def read_mapping(path: Path, text: str, seal: str | None) -> dict[str, Any]:
    """The metadata as JSON, without the checksum. Args: seal: the one that the file holds, from checked_seal.

    Raises: UsageError naming the file if it is not JSON, of a newer format, or without the checksum it should have.
    """
    if len(text) > LARGEST_TEXT:
        raise UsageError(f"{path}: its imexseg metadata is larger than {LARGEST_TEXT >> 20} MiB; it is damaged")
    try:
        content = json.loads(text)
    except RecursionError:
        raise UsageError(f"{path}: its imexseg metadata is nested too deeply; it is damaged") from None
    except ValueError as error:
        raise UsageError(f"{path}: its imexseg metadata is not valid JSON ({error}); it is damaged") from None
    if not isinstance(content, dict):
        raise UsageError(f"{path}: its imexseg metadata is not a JSON object; it is damaged")
    found = content.get("format")
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise UsageError(f"{path}: its imexseg metadata has the format {_shown(found)}, not a number from 1 on")
    if found > FORMAT:
        raise UsageError(
            f"{path}: {_newer(content)} (format {_shown(found)}; this one reads up to {FORMAT}); update imexseg"
        )
    checksum = content.pop("checksum", None)
    if checksum != seal or (seal is None and found >= FIRST_WITH_CHECKSUM):
        raise UsageError(f"{path}: is damaged: its checksum is missing; copy or download it again")
    return content


def validated(path: Path, content: dict[str, Any], kind: type[Info]) -> Info:
    """Raises: UsageError naming the file and the key that does not fit."""
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise does_not_fit(path, content, explain_validation(error, kind)) from None


def does_not_fit(path: Path, content: dict[str, Any], reason: str) -> UsageError:
    """What to say of metadata that cannot be used: if a newer imexseg wrote it, that is why."""
    if _numbers(content.get("version")) > _numbers(imexseg.__version__):
        return UsageError(
            f"{path}: {_newer(content)}, newer than this {imexseg.__version__}; update imexseg ({reason})"
        )
    return UsageError(f"{path}: its imexseg metadata does not fit: {reason}")


def _newer(content: dict[str, Any]) -> str:
    version = content.get("version")
    return f"written by imexseg {version[:30]}" if isinstance(version, str) else "written by a newer imexseg"


def _numbers(version: Any) -> tuple[int, ...]:
    """For comparison: (0, 1, 0) of "0.1.0rc2"."""
    return tuple(int(number) for number in re.findall(r"\d{1,9}", version)[:3]) if isinstance(version, str) else ()


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
