"""What is known about the networks before they are trained: models/networks.json, which `imexseg models` prints without torch.

`python -m imexseg.models.summary` (`make networks`) writes the file anew; tests/models/test_summary.py says when that is due.
"""

import inspect
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from imexseg.layers.dynamics import DYNAMICS
from imexseg.layers.implicit import SOLVES
from imexseg.layers.norms import NORMS
from imexseg.layers.operators import OPERATORS
from imexseg.models.build import build_network, model_config
from imexseg.models.catalogue import NETWORKS
from imexseg.models.count import count_parameters, multiply_adds
from imexseg.models.recipes import recipe_of
from imexseg.models.registry import FORMS

LISTING = Path(__file__).with_name("networks.json")
SIDE = 64  # of the image for which multiply-adds are counted


@dataclass(frozen=True)
class NetworkSummary:
    """What `imexseg models` says of a network, for grey images and four classes. Lists are of the scales, finest first."""

    name: str
    advice: str
    equation: str
    dynamics: list[str]
    operator: list[str]
    boundary: str
    width: list[int]
    steps: list[int]
    strides: list[int]
    parameters: int
    multiply_adds: int  # for an image of 64×64
    field_of_view: int | str  # pixels from edge to edge, or "whole image"
    reversible: bool  # every stage of more than one step: training memory independent of their number
    recipe: dict[str, Any]  # what training on data begins with
    licence: str = "Apache-2.0"


def summarise(name: str) -> NetworkSummary:
    """Build a network without data and describe it. Raises: UsageError for an unknown name."""
    config = model_config(name, in_channels=1, num_classes=4)
    with torch.device("meta"):  # counted, not computed
        network = build_network(config).eval()
    flows = [placed for placed in network.flows() if not placed.refines]
    settings = [placed.flow.settings for placed in flows]
    return NetworkSummary(
        name=name,
        advice=NETWORKS.get(name, ""),
        equation=network.equation or "",
        dynamics=[flow.dynamics for flow in settings],
        operator=[flow.operator for flow in settings],
        boundary=settings[0].boundary if settings else "",
        width=[flow.channels for flow in settings],
        steps=[flow.n_steps for flow in settings],
        strides=[placed.stride for placed in flows],
        parameters=count_parameters(network),
        multiply_adds=multiply_adds(network, torch.zeros(1, 1, SIDE, SIDE, device="meta")),
        field_of_view=network.field_of_view() or "whole image",
        reversible=network.reversible,
        recipe=asdict(recipe_of(name)),
    )


def axes() -> dict[str, list[dict[str, Any]]]:
    """What a short form, or `--network`, may combine."""
    dynamics = [
        {
            "name": name,
            "what": row.equation,
            "solve": row.implicit,
            "explicit_twin": row.explicit_twin,
            "reversible": row.reversible,
        }
        for name, row in DYNAMICS.items()
    ]
    return {
        "dynamics": dynamics,
        "operator": _described(OPERATORS.items()),
        "boundary": _described(SOLVES.items()),
        "norm": _described(NORMS.items()),
        "form": [{"name": name, "what": form.what} for name, form in FORMS.items()],
    }


def _described(rows: Iterable[tuple[str, type]]) -> list[dict[str, Any]]:
    """By the first line of their docstrings; torch's own classes in our words."""
    words: dict[type, str] = {
        nn.BatchNorm2d: "Batch normalisation: mean and variance of each channel over the images of a batch."
    }
    return [
        {"name": name, "what": words.get(kind) or (inspect.getdoc(kind) or "").splitlines()[0]} for name, kind in rows
    ]


def listing() -> dict[str, Any]:
    """The content of networks.json."""
    return {"networks": [asdict(summarise(name)) for name in NETWORKS], "axes": axes()}


if __name__ == "__main__":
    LISTING.write_text(json.dumps(listing(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
