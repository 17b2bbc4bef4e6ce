"""A plan: what was seen, what is decided and why, what it will take. Imports no torch."""

from dataclasses import dataclass, field
from typing import Any

from imexseg.units import in_bytes, in_time

MEASURED_BY_DEFAULT = 1  # threads


@dataclass(frozen=True)
class Limits:
    """What the user allows. Units: budget in seconds, max_size in bytes of the .onnx, max_ms in milliseconds an image."""

    budget: float | None = None
    max_size: int | None = None
    max_ms: float | None = None
    threads: int = MEASURED_BY_DEFAULT
    pretrained: str = "auto"  # or never

    @property
    def of_the_device(self) -> bool:
        return self.max_size is not None or self.max_ms is not None

    def in_words(self) -> str:
        said = [f"--max-size {in_bytes(self.max_size).replace(' ', '')}"] if self.max_size else []
        said += [f"--max-ms {self.max_ms:g}"] if self.max_ms else []
        return " ".join(said)


@dataclass(frozen=True)
class Decision:
    """One line: what was decided, how, and the reason."""

    what: str
    value: str
    why: str


@dataclass(frozen=True)
class Plan:
    """settings: of RunConfig, those that were given left out.  seen, expected: for people and for --json."""

    settings: dict[str, Any]
    decisions: list[Decision]
    seen: dict[str, Any]
    expected: dict[str, Any]
    limits: Limits
    decided_by: str  # which limit decided
    remarks: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """What --json prints, and what config.yaml and the weights keep."""
        return {
            "limits": vars(self.limits),
            "decided_by": self.decided_by,
            "decisions": [vars(decision) for decision in self.decisions],
            "expected": self.expected,
            "seen": self.seen,
            "remarks": self.remarks,
        }


def expected_in_words(expected: dict[str, Any]) -> dict[str, str]:
    """What it will take, as people say it; what is not known is left out."""
    said: dict[str, str] = {}
    if "seconds" in expected:
        said["time"] = f"{in_time(expected['seconds'])} in all, {in_time(expected['seconds_per_epoch'])} an epoch"
    if "steps_tried" in expected:
        said["tried"] = (
            f"{expected['steps_tried']} steps of the optimiser on this machine in {in_time(expected['trial_seconds'])}"
        )
    if "file_bytes" in expected:
        said["file"] = f"{in_bytes(expected['file_bytes'])} as .onnx in {expected['export_precision']}"
        threads = expected["threads"]
        height, width = expected["image_size"]
        said["latency"] = (
            f"{expected['ms']:.1f} ms an image of {width} x {height} px by {expected['timed_by']} on this machine, "
            f"{threads} thread{'' if threads == 1 else 's'}"
        )
    if "parameters" in expected:
        said["weights"] = f"{expected['parameters']:,} parameters".replace(",", " ")
    if "score_interval" in expected:
        said["score"] = (
            f"on {expected['val_images']} validation images it may be off by ± {expected['score_interval']:.0f} points of mIoU"
        )
    return said
