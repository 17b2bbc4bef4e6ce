"""An augmentation read from a file: a YAML list of albumentations with their settings. Read as data, never as code."""

from pathlib import Path

from imexseg.errors import UsageError
from imexseg.settings import read_yaml


def read_steps(path: Path) -> list:
    """`- HorizontalFlip: {p: 0.5}` and so on, checked. Raises: UsageError naming file, step and remedy."""
    from imexseg.data.load.augmentation import check_steps  # seconds, and needed by those who have such a file alone

    steps = read_yaml(path)
    if isinstance(steps, dict):
        steps = [{name: settings} for name, settings in steps.items()]
    if not isinstance(steps, list) or not steps:
        raise UsageError(f"{path}: expected a list of steps like `- HorizontalFlip: {{p: 0.5}}`")
    try:
        check_steps(steps)
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None
    return [{name: settings or {} for name, settings in step.items()} for step in steps]
