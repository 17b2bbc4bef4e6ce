"""The trunk of photo-tiny and photo-s with another part in the place of the solve, as a kind of network of its own.

A name is contender:PART:FORM, for instance contender:squeeze-excite:photo-tiny; `register` makes it known to everything that asks
imexseg.models.build, so that training, evaluation and export work as for every other network.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any

from pydantic import field_validator
from torch import nn

from benchmarks.contenders.attention import LinearAttention
from benchmarks.contenders.averaged import SolveOnAverages
from benchmarks.contenders.coarse import CoarseBranch
from benchmarks.contenders.fourier import FreeFilter
from benchmarks.contenders.hartley import SharedHartley
from benchmarks.contenders.heat import GatedHeat
from benchmarks.contenders.statistics import GlobalMean, SqueezeExcite
from benchmarks.contenders.wide import DilatedAttention, Separable31
from imexseg.layers.flow_settings import FlowSettings
from imexseg.layers.steps import ImexStep
from imexseg.models.build import KINDS, Kind
from imexseg.models.count import count_parameters
from imexseg.models.network import SegmentationNetwork
from imexseg.models.network_config import NetworkConfig
from imexseg.models.registry import network_settings
from imexseg.settings import one_of

PREFIX = "contender:"
TRUNK = "imex-residual-lean-"
FORMS = ("photo-tiny", "photo-s")
SOLVES = {f"solve-{boundary}": boundary for boundary in ("zero", "reflect", "periodic")}
MATCHED_WITH = "solve-zero"  # everybody has as many weights, up to one channel of the trunk
COLOURS, CLASSES = 3, 11  # at which weights are matched

# (the steps' settings, the number of the step among them) ↦ what stands in the place of its solve.
PARTS: dict[str, Callable[[FlowSettings, int], nn.Module]] = {
    "nothing": lambda flow, step: nn.Identity(),
    "global-mean": lambda flow, step: GlobalMean(flow.channels),
    "squeeze-excite": lambda flow, step: SqueezeExcite(flow.channels),
    "coarse-branch": lambda flow, step: CoarseBranch(flow.channels) if step == flow.n_steps // 2 else nn.Identity(),
    "coarse-solve": lambda flow, step: SolveOnAverages(flow.channels, flow.shortest, flow.longest),
    "block-solve": lambda flow, step: SolveOnAverages(flow.channels, flow.shortest, flow.longest, mode="nearest"),
    "separable-31": lambda flow, step: Separable31(flow.channels),
    "dilated": lambda flow, step: DilatedAttention(flow.channels),
    "free-filter": lambda flow, step: FreeFilter(flow.channels),
    "hartley": lambda flow, step: SharedHartley(flow.channels),
    "heat": lambda flow, step: GatedHeat(flow.channels, flow.shortest, flow.longest),
    "linear-attention": lambda flow, step: LinearAttention(flow.channels),
}
NAMES = (*SOLVES, *PARTS)


class ContenderConfig(NetworkConfig):
    """Args: part: of NAMES."""

    part: str

    @field_validator("part")
    @classmethod
    def _known(cls, part: str) -> str:
        return one_of("part", part, NAMES)


class ContenderNetwork(SegmentationNetwork):
    """Its solves are replaced after the trunk was built."""

    def __init__(self, config: ContenderConfig):
        super().__init__(config)
        if config.part in SOLVES:
            return
        for flow in self.backbone.steps():
            steps = [step for step in flow.children() if isinstance(step, ImexStep)]
            for number, step in enumerate(steps):
                step.solve = PARTS[config.part](flow.settings, number)  # type: ignore[assignment]


def settings(name: str) -> dict[str, Any] | None:
    """Those that contender:PART:FORM stands for; None for any other name."""
    if not name.startswith(PREFIX):
        return None
    part, _, form = name.removeprefix(PREFIX).partition(":")
    return matched(part, form) if part in NAMES and form in FORMS else None


@functools.cache
def matched(part: str, form: str) -> dict[str, Any]:
    """The settings whose weights come nearest to those of MATCHED_WITH; the width of the coarsest scale is what gives way."""
    goal = _weights(_sized(MATCHED_WITH, form, 0))
    return min((_sized(part, form, wider) for wider in range(-16, 3)), key=lambda found: abs(_weights(found) - goal))


def _sized(part: str, form: str, wider: int) -> dict[str, Any]:
    own = network_settings(TRUNK + form)
    assert own is not None
    *fine, last = own["width"]
    return own | {"part": part, "boundary": SOLVES.get(part, "zero"), "width": (*fine, last + wider)}


def _weights(own: dict[str, Any]) -> int:
    images = {"in_channels": COLOURS, "num_classes": CLASSES, "mean": (0.0,) * COLOURS, "std": (1.0,) * COLOURS}
    return count_parameters(ContenderNetwork(ContenderConfig(**own | images)))


def names() -> Iterator[str]:
    yield from (f"{PREFIX}{part}:{form}" for part in NAMES for form in FORMS)


def register() -> None:
    """Make the names known, once."""
    if all(kind.config is not ContenderConfig for kind in KINDS):
        KINDS.append(Kind(ContenderConfig, ContenderNetwork, settings, names))
