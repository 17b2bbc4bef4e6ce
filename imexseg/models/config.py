"""The settings that define a network: with the weights they are all that is needed to rebuild it."""

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from imexseg.layers.dynamics import DYNAMICS, FlowSettings
from imexseg.layers.norms import NORMS
from imexseg.layers.operators import OPERATORS

PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Width = Annotated[int, Field(ge=1, le=4096)]
Steps = Annotated[int, Field(ge=0, le=1000)]

# What may differ from stage to stage: one value for all, or one for each.
OF_A_STAGE = ("dynamics", "operator", "width", "n_steps", "step_size", "shortest", "longest")


class ImageConfig(BaseModel):
    """What goes in and comes out: channels, what one pixel value means, classes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    in_channels: int = Field(1, ge=1, le=1024)
    num_classes: int = Field(2, ge=2, le=254)
    mean: tuple[float, ...] = (0.0,)
    std: tuple[PositiveFloat, ...] = (1.0,)
    # Pixels. Every image is scaled so that its longer side is as long, and the answer back to the size of the image: for
    # photographs of one subject, taken with any camera. None: images are seen as they are.
    long_side: Annotated[int, Field(ge=32, le=4096)] | None = None

    @model_validator(mode="after")
    def _one_statistic_per_channel(self) -> "ImageConfig":
        for name in ("mean", "std"):
            if len(getattr(self, name)) != self.in_channels:
                raise ValueError(f"{name} has {len(getattr(self, name))} values for {self.in_channels} channels")
        return self


class NetworkConfig(ImageConfig):
    """One scale, or several where a setting of OF_A_STAGE is a list. Raises: pydantic.ValidationError naming the field.

    Units: width in channels, step_size in model time, shortest and longest (decay lengths) in points of the stage's grid.
    """

    dynamics: str | tuple[str, ...] = "imex"
    operator: str | tuple[str, ...] = "lean"
    width: Width | tuple[Width, ...] = 32
    n_steps: Steps | tuple[Steps, ...] = 5
    step_size: PositiveFloat | tuple[PositiveFloat, ...] = 1.0
    shortest: PositiveFloat | tuple[PositiveFloat, ...] = 1.0
    longest: PositiveFloat | tuple[PositiveFloat, ...] = 24.0
    stride: Literal[1, 2, 4, 8] = 2  # of the opening
    pool: bool = True  # halve the grid between stages
    pyramid: bool = True  # add up the features of all stages; False: classify those of the last one
    refine_steps: Steps = 0  # explicit, on the finest grid, where the pyramid has added up coarse and fine
    classifier: Literal["transposed", "bilinear"] = "transposed"  # of kernels 2·stride wide; 1×1, then interpolated
    norm: str = "batch"
    boundary: Literal["periodic", "reflect", "zero"] = "zero"

    @model_validator(mode="after")
    def _names_and_lengths(self) -> "NetworkConfig":
        lists = {name: value for name in OF_A_STAGE if isinstance(value := getattr(self, name), tuple)}
        if len({len(value) for value in lists.values()}) > 1:
            found = ", ".join(f"{name} {len(value)}" for name, value in lists.items())
            raise ValueError(f"lists must have one value for each stage, found different lengths: {found}")
        if any(not value for value in lists.values()):
            raise ValueError("a network needs at least one stage, found an empty list")
        if self.refine_steps and not (self.pyramid and self.n_stages > 1):
            raise ValueError("refine_steps follow a pyramid of several stages; this network has none: use n_steps")
        for name, known in (("dynamics", DYNAMICS), ("operator", OPERATORS)):
            for value in self._per_stage(name):
                _check_known(name, value, known)
        _check_known("norm", self.norm, NORMS)
        for k, stage in enumerate(self.stages):
            if DYNAMICS[stage.dynamics].splits and stage.channels % 2:
                raise ValueError(
                    f"width {stage.channels} of stage {k + 1} is odd, but {stage.dynamics} splits the channels in half; "
                    f"use {stage.channels + 1}"
                )
            if stage.shortest > stage.longest:
                raise ValueError(f"shortest {stage.shortest} must not exceed longest {stage.longest}")
        return self

    @property
    def n_stages(self) -> int:
        return max(len(value) if isinstance(value := getattr(self, name), tuple) else 1 for name in OF_A_STAGE)

    def _per_stage(self, name: str) -> tuple[Any, ...]:
        value = getattr(self, name)
        return value if isinstance(value, tuple) else (value,) * self.n_stages

    @property
    def stages(self) -> tuple[FlowSettings, ...]:
        """The settings of every stage, finest first."""
        columns = zip(*(self._per_stage(name) for name in OF_A_STAGE), strict=True)
        return tuple(
            FlowSettings(dynamics, operator, width, n_steps, step_size, self.boundary, self.norm, shortest, longest)
            for dynamics, operator, width, n_steps, step_size, shortest, longest in columns
        )

    @property
    def refinement(self) -> FlowSettings:
        """Of the steps behind the pyramid: those of the finest stage, without a solve. Their h is 1: levels that refine the time
        of the stages (models/prolongation.py) leave them as they are."""
        finest = self.stages[0]
        twin = DYNAMICS[finest.dynamics].explicit_twin or finest.dynamics
        return replace(finest, dynamics=twin, n_steps=self.refine_steps, step_size=1.0)

    @property
    def total_stride(self) -> int:
        """Pixels between neighbours on the coarsest grid; images are padded to a multiple of it."""
        return self.stride * 2 ** (self.n_stages - 1) if self.pool else self.stride

    @property
    def implicit(self) -> bool:
        """True if any stage has a solve, and with it the whole image in view."""
        return any(DYNAMICS[stage.dynamics].implicit for stage in self.stages if stage.n_steps)


def _check_known(what: str, value: str, known: dict[str, Any]) -> None:
    if value not in known:
        raise ValueError(f"unknown {what} {value!r}; known: {', '.join(known)}")
