"""Writing files that appear whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imexseg.errors import JobError


@contextmanager
def appearing_whole(path: Path) -> Iterator[Path]:
    """A path beside the target to write to piece by piece; renamed to the target at the end, removed after a failure.

    Raises: JobError naming the file if it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True) if temporary.parent.is_dir() else None
        raise JobError(
            f"{path}: cannot be written ({error.strerror or error}); free some space or choose another --output"
        ) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write beside the target, then rename over it. Raises: JobError naming the file if it cannot be written."""
    with appearing_whole(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)
