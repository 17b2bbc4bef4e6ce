"""How each network is trained if nobody says otherwise: its recipe. Imports no torch.

A recipe holds what depends on the network alone. What depends on the images (long_side, crop, class weights) is no part of it.
The values are those of the tables in docs/recipes.md, which `python -m benchmarks.recipes` measures.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Recipe:
    """Settings of RunConfig, under the same names, that a run takes where neither a flag nor a file sets them.

    The defaults are those of Q-tips: synthetic, without an up and a down, a thousand images, one scale.
    """

    learning_rate: float = 2e-2  # peak of the one-cycle schedule
    weight_decay: float = 1e-2
    batch_size: int = 8
    augmentation: str = "symmetries"
    epochs: int = 12


def settings_in_words(settings: Mapping[str, Any]) -> str:
    """Of a recipe, or of part of one, on one line."""
    return ", ".join(
        f"{name.replace('_', ' ')} {f'{value:g}' if isinstance(value, float) else value}"
        for name, value in settings.items()
    )


QTIPS = Recipe()
_PHOTO = Recipe(learning_rate=1e-2, augmentation="light", epochs=40)
_LITE0 = replace(_PHOTO, learning_rate=4e-3, epochs=20)
# Of other libraries' networks, not searched for here: docs/photographs.md.
_PEER = replace(_PHOTO, learning_rate=3e-3)
_PRETRAINED_PEER = replace(_PHOTO, learning_rate=2e-3, epochs=20)

# By the form of a short name (models/registry.py has what they are); the first of them is the form without a name.
OF_FORM: dict[str, Recipe] = {
    "": QTIPS,
    "pile": QTIPS,
    "pile-l": QTIPS,
    "photo-tiny": _PHOTO,
    "photo-s": _PHOTO,
    "photo-m": _PHOTO,
    "s": _PHOTO,
    "m": _PHOTO,
}

# By the name of a network that has no form. Networks of other packages add theirs (docs/extending.md).
OF_NAME: dict[str, Recipe] = {"imexnet": QTIPS}


def recipe_of(model: str, network: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe of a network by its name, as `--model` takes it; QTIPS for a name that is not known here.

    Args: network: settings that replace the network's own; `pretrained` is the one that a recipe depends on.
    """
    settings = network or {}
    if model.startswith("smp:"):
        return _PRETRAINED_PEER if settings.get("pretrained", False) else _PEER
    name = model.replace("_", "-")
    if name in OF_NAME:
        return OF_NAME[name]
    if name.endswith("-lite0"):
        return _LITE0 if settings.get("pretrained", True) else _PHOTO
    forms = [form for form in OF_FORM if form and name.endswith(f"-{form}")]
    return OF_FORM[max(forms, key=len, default="")]
