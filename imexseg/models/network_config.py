"""The settings of the networks of this project: with the weights they are all that is needed to rebuild one."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal

from pydantic import model_validator

from imexseg.errors import UsageError
from imexseg.layers.dynamics import DYNAMICS
from imexseg.layers.flow_settings import FlowSettings
from imexseg.layers.implicit import SOLVES
from imexseg.layers.norms import NORMS
from imexseg.layers.operators import OPERATORS
from imexseg.models.config import ImageConfig, PositiveFloat, Steps, Width
from imexseg.settings import one_of

# What may differ from stage to stage: one value for all, or one for each.
OF_A_STAGE = ("dynamics", "operator", "width", "n_steps", "step_size", "shortest", "longest")

# The axes of a network, by the names of their settings.
AXES: dict[str, Iterable[str]] = {"dynamics": DYNAMICS, "operator": OPERATORS, "boundary": SOLVES, "norm": NORMS}


def check_flow(flow: FlowSettings) -> None:
    """Raises: ValueError for a name that no axis has, or numbers that do not go together."""
    for axis, known in AXES.items():
        one_of(axis, getattr(flow, axis), known)
    if DYNAMICS[flow.dynamics].splits and flow.channels % 2:
        raise ValueError(
            f"width {flow.channels} is odd, but {flow.dynamics} splits the channels in half; use {flow.channels + 1}"
        )
    if flow.shortest > flow.longest:
        raise ValueError(f"shortest {flow.shortest} must not exceed longest {flow.longest}")


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
    boundary: str = "zero"

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
        for stage in self.stages:
            check_flow(stage)
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
    def strides(self) -> tuple[int, ...]:
        """Pixels between neighbours on the grid of each stage, finest first."""
        return tuple(self.stride * 2**k if self.pool else self.stride for k in range(self.n_stages))

    @property
    def total_stride(self) -> int:
        """Pixels between neighbours on the coarsest grid; images are padded to a multiple of it."""
        return self.strides[-1]

    @property
    def implicit(self) -> bool:
        """True if any stage has a solve, and with it the whole image in view."""
        return any(DYNAMICS[stage.dynamics].implicit for stage in self.stages if stage.n_steps)

    @property
    def has_levels(self) -> bool:
        return True

    def with_longer_steps(self, level: int) -> "NetworkConfig":
        stages = self.stages
        factor = 2**level
        for stage in stages:
            if stage.n_steps % factor:
                raise UsageError(
                    f"network: n_steps {stage.n_steps} cannot be halved {level} times for {level + 1} levels; "
                    f"use a multiple of {factor}, fewer levels, or level_steps: false"
                )
        n_steps = tuple(stage.n_steps // factor for stage in stages)
        step_size = tuple(stage.step_size * factor for stage in stages)
        return NetworkConfig(**self.model_dump() | {"n_steps": n_steps, "step_size": step_size})
