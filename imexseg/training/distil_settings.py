"""The settings of learning from a teacher, and which of them go together. Imports no torch."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class DistillationConfig(BaseModel):
    """How a teacher is followed (training/distil.py)."""

    model_config = ConfigDict(extra="forbid")

    # Above 1, what the teacher says of the unlikely classes counts more.
    temperature: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 2.0
    weight: Annotated[float, Field(gt=0, le=1)] = 0.5  # of the teacher's answers; 1 - weight is that of the masks
    affinity: NonNegative = 0.0  # weight of which regions it takes for alike
    cache: NonNegative = 2.0  # GB of its answers that are kept on disk during the run; what does not fit is asked again


def contradiction(config: Any) -> tuple[str, tuple[str, ...]] | None:
    """What is wrong with the settings of a teacher, and which ones they are. Args: config: a RunConfig."""
    if config.unlabelled is not None and not config.teacher:
        return "unlabelled images need a teacher that says what is in them; give one", ("unlabelled", "teacher")
    if config.teacher and config.data is None:
        return "a teacher needs a data set whose classes it knows; name one", ("teacher", "data")
    if config.teacher and config.levels > 1:
        return (
            f"a teacher answers for images at their own size and cannot be combined with levels {config.levels}; use 1",
            ("teacher", "levels"),
        )
    return None
