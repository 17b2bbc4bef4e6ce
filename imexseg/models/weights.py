"""Finding weights: shipped ones by name, or a file."""

from pathlib import Path

from imexseg.errors import UsageError

DEFAULT_WEIGHTS = "qtips"
SHORT_FOR = {"people": "people-lite0"}  # the best of their kind, also when there are smaller ones


def _folders() -> list[Path]:
    package = Path(__file__).resolve().parents[1]
    return [package / "weights", package.parent / "weights"]  # in a wheel; in a source tree


def shipped_weights() -> dict[str, Path]:
    """Name → file of every weights file that comes with the package."""
    return {path.stem: path for folder in reversed(_folders()) for path in sorted(folder.glob("*.safetensors"))}


def find_weights(name_or_path: str | None) -> Path:
    """A file, the best weights of a run folder, or shipped weights by name; None stands for the default ones.

    "people" is short for people-lite0.

    A folder that is not a run does not hide shipped weights: data in ./qtips is no reason to miss the weights of that name.
    Raises: UsageError if there is nothing of that name.
    """
    shipped = shipped_weights()
    if name_or_path is None:
        if DEFAULT_WEIGHTS not in shipped:
            raise UsageError(
                f"the weights {DEFAULT_WEIGHTS!r} did not come with this installation; name some with --weights"
            )
        return shipped[DEFAULT_WEIGHTS]
    path = Path(name_or_path)
    in_run = path / "best.safetensors"
    if path.is_file() or in_run.is_file():
        return in_run if path.is_dir() else path
    if name_or_path in shipped:
        return shipped[name_or_path]
    if SHORT_FOR.get(name_or_path) in shipped and not path.exists():
        return shipped[SHORT_FOR[name_or_path]]
    what = "has no best.safetensors" if path.is_dir() else "no such weights file"
    raise UsageError(
        f"{path}: {what}; give a .safetensors file, a run folder, or one of: {', '.join(shipped) or 'none'}"
    )
