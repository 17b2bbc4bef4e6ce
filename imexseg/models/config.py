"""The settings that define a network: with the weights they are all that is needed to rebuild it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class NetworkConfig(BaseModel):
    """Architecture, and what one pixel value means. Raises: pydantic.ValidationError naming the field."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dynamics: str = "imex"
    operator: str = "lean"
    width: int = Field(32, ge=1, le=4096)
    n_steps: int = Field(6, ge=1, le=1000)
    step_size: PositiveFloat = 1.0
    stride: Literal[2, 4, 8] = 2
    boundary: Literal["periodic", "reflect"] = "periodic"
    shortest: PositiveFloat = 1.0
    longest: PositiveFloat = 24.0
    in_channels: int = Field(1, ge=1, le=1024)
    num_classes: int = Field(2, ge=2, le=254)
    mean: tuple[float, ...] = (0.0,)
    std: tuple[PositiveFloat, ...] = (1.0,)

    @model_validator(mode="after")
    def _one_statistic_per_channel(self) -> "NetworkConfig":
        for name in ("mean", "std"):
            if len(getattr(self, name)) != self.in_channels:
                raise ValueError(f"{name} has {len(getattr(self, name))} values for {self.in_channels} channels")
        return self
