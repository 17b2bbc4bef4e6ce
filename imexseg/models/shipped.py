"""Weights by name: those that come with the package, or a file."""

from pathlib import Path

from imexseg.errors import UsageError

DEFAULT_WEIGHTS = "qtips"


def _folders() -> list[Path]:
    package = Path(__file__).resolve().parents[1]
    return [package / "weights", package.parent / "weights"]  # in a wheel; in a source tree


def shipped_weights() -> dict[str, Path]:
    """Name → file of every weights file that comes with the package."""
    return {path.stem: path for folder in reversed(_folders()) for path in sorted(folder.glob("*.safetensors"))}


def find_weights(name_or_path: str) -> Path:
    """A file as it is named, or shipped weights by their name. Raises: UsageError if there is neither."""
    path = Path(name_or_path)
    if path.exists():
        return path / "best.safetensors" if path.is_dir() else path
    shipped = shipped_weights()
    if name_or_path in shipped:
        return shipped[name_or_path]
    raise UsageError(f"{name_or_path}: no such weights file; shipped ones are {', '.join(shipped) or 'none'}")
