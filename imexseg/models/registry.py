"""Names of networks and the settings that they stand for; images and classes are added when a network is built.

The short form of a name is DYNAMICS-OPERATOR or DYNAMICS-OPERATOR-FORM, for instance hamiltonian-imex-dense-s; `imexnet` is
the one name of its own. models/catalogue.py has those that are worth choosing first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from imexseg.errors import UsageError
from imexseg.layers.dynamics import DYNAMICS
from imexseg.layers.operators import OPERATORS
from imexseg.models.catalogue import DEFAULT_MODEL, NETWORKS
from imexseg.models.network_config import NetworkConfig
from imexseg.settings import did_you_mean

__all__ = ["DEFAULT_MODEL", "FORMS", "NETWORKS", "Form", "network_config", "network_settings", "short_forms"]


@dataclass(frozen=True)
class Form:
    """Size and scales: two networks of one form differ in what the rest of their names says, and in nothing else."""

    what: str
    settings: dict[str, Any]
    n_local: int = 0  # of the finest stages, which have no solve: there it would cost most and reach least

    def dynamics(self, name: str) -> str | tuple[str, ...]:
        """Of each stage, where the coarser ones have the named one."""
        n_stages = len(width) if isinstance(width := self.settings.get("width"), tuple) else 0
        if not n_stages:
            return name
        local = DYNAMICS[name].explicit_twin or name
        return (local,) * self.n_local + (name,) * (n_stages - self.n_local)


_PHOTO = {"stride": 4, "shortest": 0.1, "classifier": "bilinear"}
_PILE = {"stride": 4, "boundary": "periodic"}

FORMS: dict[str, Form] = {
    "": Form("one scale, stride 2", {}),
    # For larger scenes of Q-tips: a coarser grid, more steps. imex-residual has two operators in f: at equal cost it fits more.
    "pile": Form("one scale, stride 4, eight steps", _PILE | {"width": 30, "n_steps": 8}),
    "pile-l": Form("the same, wider, twelve steps", _PILE | {"width": 64, "n_steps": 12}),
    # For photographs on small devices: one, two or three scales from stride 4 on, the solve on the coarsest ones. What it is
    # worth: docs/photographs.md. Decay lengths begin at 0.1 points, so that nearly half of the channels are hardly smoothed: f
    # needs sharp channels beside those that see far.
    "photo-tiny": Form("one scale, stride 4", _PHOTO | {"width": (32,), "n_steps": (4,), "longest": (24,)}),
    "photo-s": Form(
        "two scales, strides 4 and 8; the solve on the coarser",
        _PHOTO | {"width": (32, 48), "n_steps": (2, 4), "longest": (24, 16)},
        n_local=1,
    ),
    "photo-m": Form(
        "three scales, strides 4 to 16; the solve on the two coarser",
        _PHOTO | {"width": (24, 64, 160), "n_steps": (2, 4, 6), "longest": (24, 16, 12), "refine_steps": 2},
        n_local=1,
    ),
    # Features at strides 2, 4, 8, 16, 32. Decay lengths are in points of the grid, up to 128, 192 and 256 pixels.
    "s": Form(
        "five scales, strides 2 to 32; the solve on the three coarser",
        {"width": (16, 24, 32, 48, 64), "n_steps": (0, 1, 2, 2, 2), "longest": (24, 24, 16, 12, 8)},
        n_local=2,
    ),
    "m": Form(
        "the same, wider and deeper",
        {"width": (24, 32, 64, 96, 160), "n_steps": (1, 2, 3, 3, 3), "longest": (24, 24, 16, 12, 8)},
        n_local=2,
    ),
}

# The full-resolution form of the IMEXnet paper: no strides, 4 layers each of 64, 128 and 256 channels.
# Source: the code published with arXiv:1903.02639. Differs: batch normalisation is trained, -Kᵀσ(KY) has the stable sign.
_PAPER: dict[str, Any] = {
    "dynamics": "imex-diffusive",
    "operator": "dense",
    "width": (64, 128, 256),
    "n_steps": 4,
    "stride": 1,
    "pool": False,
    "pyramid": False,
    "boundary": "periodic",
}


def network_settings(name: str) -> dict[str, Any] | None:
    """The settings of NetworkConfig that a name stands for; None if it has neither form."""
    if name == "imexnet":
        return _PAPER
    for dynamics in DYNAMICS:
        for operator in OPERATORS:
            start = f"{dynamics}-{operator}"
            if name != start and not name.startswith(f"{start}-"):
                continue
            form = FORMS.get(name[len(start) + 1 :])
            if form is not None:
                return {"operator": operator} | form.settings | {"dynamics": form.dynamics(dynamics)}
    return None


def short_forms() -> Iterator[str]:
    """Every name that network_settings knows."""
    yield "imexnet"
    for dynamics in DYNAMICS:
        for operator in OPERATORS:
            yield from (f"{dynamics}-{operator}-{form}".rstrip("-") for form in FORMS)


def network_config(name: str, **settings: Any) -> NetworkConfig:
    """The settings of a name, with some replaced.

    Raises: UsageError naming the nearest name; pydantic.ValidationError for a setting out of range.
    """
    own = network_settings(name.replace("_", "-"))
    if own is None:
        near = did_you_mean(name, short_forms())
        raise UsageError(f"unknown model {name[:80]!r}{near} `imexseg models` explains how names are formed")
    return NetworkConfig(**own | settings)
