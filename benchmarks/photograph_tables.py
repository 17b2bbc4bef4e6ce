"""Who is compared with whom on photographs: every network of every table, and how it is trained."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarks.photograph_data import FOLDER
from benchmarks.training_runs import Job

SEEDS = (0, 1, 2)
WITH, WITHOUT = "with the solve", "without the solve"


@dataclass(frozen=True)
class Row:
    """One network of a table. Args: network: settings that replace those of the model."""

    model: str
    network: dict[str, Any] = field(default_factory=dict)
    learning_rate: float = 1e-2
    weight_decay: float = 1e-2
    recount: bool = False  # training_runs.Job


@dataclass(frozen=True)
class Table:
    """Rows trained alike. Args: data: of SIZES."""

    data: str
    epochs: int
    rows: dict[str, Row]
    seeds: tuple[int, ...] = (0,)
    settings: dict[str, Any] = field(default_factory=dict)

    def jobs(self, name: str, row: str, seeds: Sequence[int]) -> list[Job]:
        r = self.rows[row]
        common = {"data": FOLDER / self.data, "epochs": self.epochs, "augmentation": "light", "class_weights": "auto"}
        own = {"model": r.model, "network": r.network, "learning_rate": r.learning_rate, "accept_licence": True}
        own["weight_decay"] = r.weight_decay
        return [
            Job(
                FOLDER / name / f"{row}-{seed}".replace(" ", "_").replace(",", "").replace("+", "plus"),
                common | self.settings | own | {"seed": seed},
                test=True,
                recount=r.recount,
            )
            for seed in seeds
        ]


# The control of `tiny` is one channel wider, so that it has no fewer weights: 3 % more.
TINY = {
    "with the solve": Row("imex-residual-lean-photo-tiny"),
    "without": Row("residual-lean-photo-tiny", {"width": 33}),
}
BOUNDARIES = ("periodic", "reflect", "zero")
LRASPP = "LRASPP, MobileNetV3-large"
PEERS = {
    # Its running averages move by a hundredth a step: after ten epochs they are still far behind.
    LRASPP: Row("smp:LRASPP:mobilenet_v3_large", learning_rate=3e-3, recount=True),
    "SegFormer-B0": Row("smp:Segformer:mit_b0", learning_rate=1e-3),
    "DeepLabV3+, MobileNetV2": Row("smp:DeepLabV3Plus:mobilenet_v2", learning_rate=3e-3),
    "U-Net, MobileNetV2": Row("smp:Unet:mobilenet_v2", learning_rate=3e-3),
}
ON_LITE0 = {
    "imex-lite0": Row("imex-lite0", learning_rate=4e-3),
    "imex-lite0 without the solve": Row("residual-lite0", learning_rate=4e-3),
    "U-Net, lite0": Row("smp:Unet:tu-tf_efficientnet_lite0", {"pretrained": True}, 4e-3),
    "DeepLabV3+, lite0": Row("smp:DeepLabV3Plus:tu-tf_efficientnet_lite0", {"pretrained": True}, 4e-3),
}
# How much stands behind the encoder.
HEADS = {
    f"width {w}, pyramid {p}, refine {r}": Row("imex-lite0", {"width": w, "pyramid_width": p, "refine_steps": r}, 2e-3)
    for w, p, r in ((32, 24, 0), (32, 48, 2))
}
# What was tried on `photo-m`. Rows that are not in it are those of the table `camvid`.
_BARE: dict[str, Any] = {"refine_steps": 0}
_TWO_SCALES: dict[str, Any] = {"width": (32, 192), "n_steps": (2, 4)}
ON_M = {
    "no refinement": Row("imex-residual-lean-photo-m", _BARE),
    "no refinement, without the solve": Row("residual-lean-photo-m", _BARE),
    "no refinement, shortest 1": Row("imex-residual-lean-photo-m", _BARE | {"shortest": 1.0}),
    "no refinement, learning rate 4e-3": Row("imex-residual-lean-photo-m", _BARE, learning_rate=4e-3),
    "decay 0.3": Row("imex-residual-lean-photo-m", weight_decay=0.3),
    "decay 0.3 without": Row("residual-lean-photo-m", weight_decay=0.3),
    "decay 1": Row("imex-residual-lean-photo-m", weight_decay=1.0),
    "two scales": Row("imex-residual-lean-photo-s", _TWO_SCALES),
    "two scales, without the solve": Row("residual-lean-photo-s", _TWO_SCALES),
    "photo-s, two steps of refinement": Row("imex-residual-lean-photo-s", {"refine_steps": 2}),
}


def _on_ccp(epochs: int, rows: dict[str, Row], **settings: Any) -> Table:
    return Table("ccp-original", epochs, rows, settings={"long_side": 256} | settings)


TABLES: dict[str, Table] = {
    "tiny-ccp": Table("ccp-small", 12, TINY, SEEDS),
    "tiny-camvid": Table("camvid-small", 15, TINY, SEEDS),
    "lengths": Table(
        "ccp-small",
        12,
        {f"shortest {s}": Row("imex-residual-lean-photo-tiny", {"shortest": s}) for s in (0.1, 0.3, 1.0)},
    ),
    "boundary": Table(
        "ccp-small",
        12,
        {
            f"{boundary}, {name}": Row(row.model, row.network | {"boundary": boundary})
            for boundary in BOUNDARIES
            for name, row in TINY.items()
        },
    ),
    "camvid": Table(
        "camvid",
        10,
        {
            "photo-tiny": TINY["with the solve"],
            "photo-tiny without the solve": TINY["without"],
            "photo-s": Row("imex-residual-lean-photo-s"),
            "photo-s without the solve": Row("residual-lean-photo-s"),
            "photo-m": Row("imex-residual-lean-photo-m"),
            "photo-m without the solve": Row("residual-lean-photo-m"),
        }
        | PEERS,
    ),
    "m": Table("camvid", 10, ON_M),
    "lite0": _on_ccp(3, ON_LITE0),
    "lite0-2e-3": _on_ccp(3, {name: replace(row, learning_rate=2e-3) for name, row in ON_LITE0.items()}),
    "head": _on_ccp(3, HEADS),
    "people": _on_ccp(12, {"imex-lite0": ON_LITE0["imex-lite0"]}),
    "people-tiny": _on_ccp(40, {"photo-tiny": TINY["with the solve"]}, teacher=["people-lite0"]),
}
