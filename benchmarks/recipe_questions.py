"""What benchmarks/recipes.py asks, most valuable questions first."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

S, LITE0 = "imex-residual-lean-photo-s", "imex-lite0"
SETS = ("ccp", "facade", "camvid")
LONG_SIDE = {"ccp": 128, "facade": 128, "camvid": 128, "tiles": 160}  # pixels of the copies that are trained on
STEPS = {"ccp": 300, "facade": 200, "camvid": 200, "tiles": 200}  # batches of eight images
STEPS_OF_LITE0 = 100  # which costs five times as much a step, and begins with more

_MIRRORED = {"HorizontalFlip": {"p": 0.5}}
_TONES: list[dict[str, Any]] = [
    {"RandomBrightnessContrast": {"brightness_limit": 0.2, "contrast_limit": 0.2, "p": 0.5}}
]
_BORDER = 4  # cv2.BORDER_REFLECT_101


def _moved(smallest: float, largest: float) -> dict[str, Any]:
    translate = [-0.06, 0.06]
    return {
        "Affine": {
            "scale": [smallest, largest],
            "translate_percent": translate,
            "rotate": [-5, 5],
            "keep_ratio": True,
            "border_mode": _BORDER,
            "p": 0.7,
        }
    }


# Beside those that have a name in imexseg. `light` scales by 0.8 to 1.25 and changes brightness and contrast.
AUGMENTATIONS: dict[str, Any] = {
    "mirrored": [_MIRRORED],
    "light, scaled 0.5 to 2": [_MIRRORED, _moved(0.5, 2.0), *_TONES],
    "light, without tones": [_MIRRORED, _moved(0.8, 1.25)],
}

# What a knob is set to while another one is looked at.
BASE: dict[str, dict[str, Any]] = {
    S: {"learning_rate": 1e-2, "augmentation": "light"},
    LITE0: {"learning_rate": 2e-3, "augmentation": "light"},
}
COMMON: dict[str, Any] = {
    "batch_size": 8,
    "weight_decay": 1e-2,
    "loss": "cross-entropy",
}


@dataclass(frozen=True)
class Row:
    """One training. settings: of RunConfig, beside data, model, seed and epochs."""

    set: str
    network: str
    settings: dict[str, Any]
    seed: int
    times: int = 1  # as many batches

    @property
    def steps(self) -> int:
        return self.times * (STEPS_OF_LITE0 if self.network == LITE0 else STEPS[self.set])

    def key(self) -> tuple[str, ...]:
        """Of the first columns of the table of results; settings at the values of COMMON go without saying."""
        said = {name: value for name, value in self.settings.items() if COMMON.get(name) != value}
        settings = " | ".join(f"{name}={value}" for name, value in sorted(said.items()))
        return self.set, self.network, str(self.steps), str(self.seed), settings


@dataclass(frozen=True)
class Question:
    """Which of the values of a knob is best; the base of the network is always one of them."""

    knob: str
    network: str
    values: tuple[Any, ...]
    seeds: tuple[int, ...] = (0, 1)
    sets: tuple[str, ...] = SETS
    times: int = 1
    removed: bool = False  # the knob did not help and is no more: its rows were measured at the commit that they name

    def settings(self, value: Any) -> dict[str, Any]:
        return COMMON | BASE[self.network] | {self.knob: value}

    @property
    def base(self) -> Any:
        return (COMMON | BASE[self.network]).get(self.knob)

    def rows(self) -> Iterator[Row]:
        for seed in self.seeds:
            for name in self.sets:
                for value in self.values:
                    yield Row(name, self.network, self.settings(value), seed, self.times)


QUESTIONS = [
    Question("learning_rate", S, (5e-3, 1e-2, 2e-2), seeds=(0,), sets=(*SETS, "tiles")),
    # Longer than the others: what keeps a network from learning images by heart costs at first.
    Question("augmentation", S, ("light", "light, scaled 0.5 to 2", "strong"), seeds=(0,), times=2),
    Question("augmentation", S, ("light", "strong"), seeds=(0,), sets=("facade",), times=4),
    Question("learning_rate", LITE0, (2e-3, 4e-3, 8e-3), seeds=(0,)),
    Question("augmentation", S, ("light", "mirrored"), seeds=(0,)),
    Question("augmentation", S, ("light", "mirrored")),
    Question("label_smoothing", S, (0.1,), removed=True),
    Question("ema", S, (0.98,), removed=True),
    Question("deep_supervision", S, (0.4,), removed=True),
]
