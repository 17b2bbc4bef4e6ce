"""An augmentation as a file: a YAML list of albumentations with their settings. Read as data, never as code."""

from pathlib import Path

import yaml

from imexseg.errors import UsageError

LARGEST_FILE = 1 << 20  # bytes


def read_steps(path: Path) -> list:
    """`- HorizontalFlip: {p: 0.5}` and so on, checked. Raises: UsageError naming file, step and remedy."""
    from imexseg.data.load.augmentation import check_steps  # seconds, and needed by those who have such a file alone

    try:
        if path.stat().st_size > LARGEST_FILE:
            raise UsageError(f"{path}: is too large for a list of steps")
        steps = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read ({error.strerror}); give a YAML list like `- HorizontalFlip: {{p: 0.5}}`"
        ) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"{path}: is not valid YAML ({' '.join(str(error).split())[:200]})") from None
    if isinstance(steps, dict):
        steps = [{name: settings} for name, settings in steps.items()]
    if not isinstance(steps, list) or not steps:
        raise UsageError(f"{path}: expected a list of steps like `- HorizontalFlip: {{p: 0.5}}`")
    try:
        check_steps(steps)
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None
    return [{name: settings or {} for name, settings in step.items()} for step in steps]
