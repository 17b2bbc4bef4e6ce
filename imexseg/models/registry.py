"""Every network by name. A name stands for settings of NetworkConfig; images and classes are added when it is built."""

from typing import Any

from imexseg.errors import UsageError
from imexseg.layers.dynamics import DYNAMICS
from imexseg.layers.operators import OPERATORS
from imexseg.models.config import NetworkConfig
from imexseg.settings import did_you_mean

DEFAULT_MODEL = "imex-lean"

# One scale. Width and depth are the same for all combinations: two rows differ in what their names say and in nothing else.
ONE_SCALE: dict[str, dict[str, Any]] = {
    f"{dynamics}-{operator}": {"dynamics": dynamics, "operator": operator}
    for dynamics in DYNAMICS
    for operator in OPERATORS
}

# For larger scenes of Q-tips: a coarser grid, more steps. f has two operators here: at equal cost it fits more.
PILE: dict[str, dict[str, Any]] = {
    f"{dynamics}-lean-pile{size}": {
        "dynamics": dynamics,
        "stride": 4,
        "width": width,
        "n_steps": n_steps,
        "boundary": "periodic",
    }
    for dynamics in ("imex-residual", "residual")
    for size, width, n_steps in (("", 30, 8), ("-l", 64, 12))
}

# For photographs on small devices: one, two or three scales from stride 4 on, the solve on the coarsest ones. What it is worth:
# docs/photographs.md. Decay lengths begin at 0.1 points, so that nearly half of the channels are hardly smoothed: f needs sharp
# channels beside those that see far.
_PHOTO: dict[str, dict[str, Any]] = {
    "tiny": {"width": (32,), "n_steps": (4,), "longest": (24,)},
    "s": {"width": (32, 48), "n_steps": (2, 4), "longest": (24, 16)},
    "m": {"width": (24, 64, 160), "n_steps": (2, 4, 6), "longest": (24, 16, 12), "refine_steps": 2},
}
PHOTO: dict[str, dict[str, Any]] = {
    f"{dynamics}-lean-photo-{size}": settings
    | {
        "dynamics": ("residual",) * (len(settings["width"]) > 1) + (dynamics,) * max(1, len(settings["width"]) - 1),
        "stride": 4,
        "shortest": 0.1,
        "classifier": "bilinear",
    }
    for dynamics in ("imex-residual", "residual")
    for size, settings in _PHOTO.items()
}

# Features at strides 2, 4, 8, 16, 32. Solves stand where the grid is coarse: there they are cheap and reach far. Their decay
# lengths are in points of that grid, up to 128, 192 and 256 pixels.
_SIZES: dict[str, dict[str, Any]] = {
    "s": {"width": (16, 24, 32, 48, 64), "n_steps": (0, 1, 2, 2, 2), "longest": (24, 24, 16, 12, 8)},
    "m": {"width": (24, 32, 64, 96, 160), "n_steps": (1, 2, 3, 3, 3), "longest": (24, 24, 16, 12, 8)},
}


def _mixed(dynamics: str) -> tuple[str, ...]:
    """Explicit on the two finest grids, as named on the three coarser ones."""
    fine = DYNAMICS[dynamics].explicit_twin or dynamics
    return (fine, fine, dynamics, dynamics, dynamics)


MULTI_SCALE: dict[str, dict[str, Any]] = {
    f"{dynamics}-lean-{size}": {"dynamics": _mixed(dynamics)} | settings
    for dynamics in DYNAMICS
    for size, settings in _SIZES.items()
}

# The full-resolution form of the IMEXnet paper: no strides, 4 layers each of 64, 128 and 256 channels.
# Source: the code published with arXiv:1903.02639. Differs: batch normalisation is trained, -Kᵀσ(KY) has the stable sign.
PAPER: dict[str, dict[str, Any]] = {
    "imexnet": {
        "dynamics": "imex-diffusive",
        "operator": "dense",
        "width": (64, 128, 256),
        "n_steps": 4,
        "stride": 1,
        "pool": False,
        "pyramid": False,
        "boundary": "periodic",
    }
}

NETWORKS: dict[str, dict[str, Any]] = ONE_SCALE | PILE | PHOTO | MULTI_SCALE | PAPER


def network_config(name: str, **settings: Any) -> NetworkConfig:
    """The settings of a registered network, with some replaced.

    Raises: UsageError naming the nearest registered name; pydantic.ValidationError for a setting out of range.
    """
    known = name.replace("_", "-")
    if known not in NETWORKS:
        raise UsageError(f"unknown model {name!r}{did_you_mean(known, NETWORKS)} `imexseg models` lists them all")
    return NetworkConfig(**NETWORKS[known] | settings)
