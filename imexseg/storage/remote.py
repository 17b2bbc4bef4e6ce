"""Reading, listing and writing at a URL, through fsspec. Credentials are those that its libraries find by themselves."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from imexseg.errors import ImexsegError, JobError, UsageError, WriteError
from imexseg.storage.places import Url

EXTRAS = {"s3": "remote", "s3a": "remote", "http": "remote", "https": "remote", "gs": "gcs", "gcs": "gcs"}
_SECRET_VARIABLES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "GOOGLE_TOKEN")
_ENVIRONMENT = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or a role of this machine",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS, or a role of this machine",
}


@dataclass(frozen=True)
class Remote:
    """A file that a listing found. size: bytes, None: not told.

    below: its path below the folder that was listed; "" if no folder of a disk could hold it, such as a/../b.
    """

    url: Url
    size: int | None
    below: str


def fetch(url: Url, to: Path) -> None:
    """Copy a file here. Raises: UsageError in words that name the URL."""
    with _in_words(url, "read"):
        filesystem, path = _open(url)
        filesystem.get_file(path, str(to))


def put(path: Path, url: Url) -> None:
    """Send a file, in one upload: it appears whole or not at all. Raises: WriteError."""
    if url.is_web:
        raise WriteError(f"{url}: nothing can be written to a web address; give an s3:// or gs:// URL or a folder")
    with _in_words(url, "written", WriteError):
        filesystem, target = _open(url)
        filesystem.put_file(str(path), target)


def exists(url: Url) -> bool:
    """Raises: UsageError if that cannot be told."""
    with _in_words(url, "read"):
        filesystem, path = _open(url)
        return filesystem.exists(path)


def kind(url: Url) -> Remote | str:
    """The file at a URL, "folder", or "nothing". Raises: UsageError if that cannot be told.

    Of the web nothing is asked: an address that was signed for reading answers no other question. A folder there ends with /.
    """
    if url.is_web:
        return "folder" if url.text.endswith("/") else Remote(url, None, url.name)
    try:
        with _in_words(url, "read"):
            filesystem, path = _open(url)
            found = filesystem.info(path)
    except NothingThere:
        return "nothing"
    return "folder" if found["type"] == "directory" else Remote(url, found.get("size"), url.name)


def files_below(url: Url) -> Iterator[Remote]:
    """All files in a folder and its subfolders, in the order of their names. Raises: UsageError."""
    with _in_words(url, "listed"):
        filesystem, path = _open(url)
        found = filesystem.find(path, detail=True)
    for name in sorted(found):
        below = name[len(path) :].removeprefix("/") if name.startswith(path) else PurePosixPath(name).name
        usable = "\0" not in below and not {"", ".", ".."} & set(below.split("/"))
        yield Remote(url / below, found[name].get("size"), below if usable else "")


def matches(url: Url) -> Iterator[Remote]:
    """The files that a pattern means, in the order of their names. Raises: UsageError."""
    with _in_words(url, "listed"):
        filesystem, path = _open(url)
        found = filesystem.glob(path, detail=True)
    for name in sorted(found):
        if found[name]["type"] == "file":
            full = filesystem.unstrip_protocol(name)
            yield Remote(Url(full), found[name].get("size"), PurePosixPath(name).name)


class NothingThere(UsageError):
    """There is no file of this name, or no bucket."""


def _open(url: Url) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise UsageError(f"{url}: fsspec is not installed; pip install 'imexseg[remote]'") from None
    try:
        return url_to_fs(url.text, use_listings_cache=False)
    except ImportError as error:
        extra = EXTRAS.get(url.protocol)
        remedy = f"pip install 'imexseg[{extra}]'" if extra else " ".join(str(error).split())
        raise UsageError(f"{url}: the library for {url.protocol}:// is not installed; {remedy}") from None


@contextmanager
def _in_words(url: Url, verb: str, kind: type[JobError] | type[UsageError] = UsageError) -> Iterator[None]:
    try:
        yield
    except ImexsegError:
        raise
    except Exception as error:  # every library has its own
        told = _reason(error, url, verb)
        missing = isinstance(error, FileNotFoundError) and "reached" not in told and kind is UsageError
        raise (NothingThere if missing else kind)(f"{url}: {told}") from None


def _reason(error: Exception, url: Url, verb: str) -> str:
    chain, names = [error], []
    while (cause := chain[-1].__cause__) is not None and isinstance(cause, Exception) and len(chain) < 8:
        chain.append(cause)
    for one in chain:
        names += [kind.__name__ for kind in type(one).__mro__]
    status = next((number for one in chain if (number := getattr(one, "status", None)) is not None), None)
    said = scrubbed(" ".join(str(chain[-1]).split())[:200], url)
    if any(isinstance(one, OSError) and one.errno in (errno.ENOSPC, errno.EDQUOT) for one in chain):
        return (
            f"there is no room for a copy of it in {tempfile.gettempdir()}; free some, or set TMPDIR to another place"
        )
    if any(name in names for name in ("ClientConnectorError", "EndpointConnectionError", "ConnectTimeoutError")) or any(
        isinstance(one, ConnectionError | TimeoutError) for one in chain
    ):
        return f"cannot be reached ({said or type(error).__name__}); check the address and the network"
    if any("Credentials" in name for name in names):
        return f"no credentials found; set {_ENVIRONMENT.get(url.protocol, 'those of this service')}"
    if isinstance(error, PermissionError) or status in (401, 403):
        credentials = f" ({_ENVIRONMENT[url.protocol]})" if url.protocol in _ENVIRONMENT else ""
        return f"no right to have it {verb} ({said}); ask for that right, or use other credentials{credentials}"
    if isinstance(error, FileNotFoundError):
        what = "no such bucket" if "bucket" in said.lower() and "exist" in said.lower() else "no such file or folder"
        return f"{what}; correct the URL"
    if isinstance(error, ValueError) and "Protocol not known" in str(error):
        return f"{url.protocol}:// is not known; use s3://, gs:// or https://"
    return f"cannot be {verb} ({said or type(error).__name__})"


def scrubbed(text: str, url: Url) -> str:
    """Without what must not be seen: what libraries say may repeat the URL, or a key."""
    secrets = [*url.secrets(), *(os.environ.get(name, "") for name in _SECRET_VARIABLES)]
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= 4:  # a shorter one would blot out words
            text = text.replace(secret, "***")
    return text
