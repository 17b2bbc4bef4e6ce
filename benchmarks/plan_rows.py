"""Who is compared with whom in benchmarks/plan.py: what is typed for each row."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

UNET, DEEPLAB = "smp:Unet:tu-tf_efficientnet_lite0", "smp:DeepLabV3Plus:tu-tf_efficientnet_lite0"
RATES = (5e-4, 1e-3, 2e-3)  # of AdamW for a pretrained encoder; the best on validation counts
MILLISECONDS = (5, 20, 100)
SMALL = "100kB"


@dataclass(frozen=True)
class Row:
    """flags: of `imexseg train`, beside DATA, --budget and --seed.  settings: of the file given with --config.

    like_plan: takes scale, pieces and augmentation from the row `plan` of its set, so that it sees the same images.
    """

    name: str
    flags: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    like_plan: bool = False


def _peer(name: str, model: str, rate: float, pretrained: bool) -> Row:
    network = {"pretrained": True} if pretrained else {}
    settings = {"model": model, "network": network, "learning_rate": rate, "accept_licence": True}
    return Row(f"{name}, {rate:g}", settings=settings, like_plan=True)


PLAN = Row("plan")
# What `imexseg train DATA` did before it planned, for as many seconds.
BEFORE = Row("before", settings={"model": "imex-lean", "learning_rate": 2e-2, "augmentation": "symmetries"})
PRETRAINED_PEERS = [
    _peer(name, model, rate, pretrained=True)
    for name, model in (("U-Net, lite0", UNET), ("DeepLabV3+, lite0", DEEPLAB))
    for rate in RATES
]
SMALL_PLAN = Row(f"plan {SMALL}", ("--max-size", SMALL))
# At most five million weights, from scratch; learning rates as in docs/photographs.md.
SCRATCH_PEERS = [
    _peer("SegFormer-B0", "smp:Segformer:mit_b0", 1e-3, pretrained=False),
    _peer("DeepLabV3+, MobileNetV2", "smp:DeepLabV3Plus:mobilenet_v2", 3e-3, pretrained=False),
    _peer("FPN, MobileNetV2", "smp:FPN:mobilenet_v2", 3e-3, pretrained=False),
]
FAST_PLANS = [Row(f"plan {ms} ms", ("--max-ms", str(ms))) for ms in MILLISECONDS]

GROUPS: dict[str, list[Row]] = {
    "plan": [PLAN],
    "before": [BEFORE],
    "pretrained": PRETRAINED_PEERS,
    "small": [SMALL_PLAN],
    "scratch": SCRATCH_PEERS,
    "fast": FAST_PLANS,
}


def best_of(names: list[str], found: dict[str, dict[str, str]], by: Callable[[dict[str, str]], float]) -> str | None:
    """The row that is best on validation, of those that were measured."""
    measured = [name for name in names if name in found]
    return max(measured, key=lambda name: by(found[name]), default=None)
