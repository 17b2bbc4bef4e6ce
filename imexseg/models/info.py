"""What trained weights say of themselves, whichever file they are in. Imports no torch beyond the network's settings."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, model_validator

from imexseg.data.description.palette import Byte, Colour
from imexseg.models.config import ImageConfig

FORMAT = 1  # of the metadata; docs/format.md says what raises it

Finite = Annotated[float, Field(allow_inf_nan=False)]


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
    model: str  # the registered name it was built from
    names: list[str] = Field(min_length=2, max_length=254)
    palette: list[Colour]
    values: list[Byte] = []  # what stands for each class in the masks it was trained on, and in those it writes
    full_scale: float = Field(
        gt=0, allow_inf_nan=False
    )  # the pixel value that means white: 255, 65535, or 1 for floats
    pixel_range: PixelRange | None = None  # None: weights of before it was kept
    version: str  # of imexseg

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


class ModelInfo(PredictionInfo):
    """Everything about trained weights that is not a tensor; stored as JSON in the metadata of a .safetensors file."""

    network: SerializeAsAny[ImageConfig]
    data: dict[str, Any]
    metrics: dict[str, Any]
    training: dict[str, Any]

    @property
    def in_channels(self) -> int:
        return self.network.in_channels
