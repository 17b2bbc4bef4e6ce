"""Where a file lies: a local path, or a URL. What is printed of a URL has no password and no signature in it."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qsl, unquote, urlsplit

from imexseg.errors import UsageError

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")  # two letters or more: C:/ is a path
_WEB = ("http", "https")


@dataclass(frozen=True)
class Url:
    """The part of pathlib that the commands need. text: as given, secrets included; str() is what people may see."""

    text: str

    @property
    def protocol(self) -> str:
        return self.text.partition("://")[0].lower()

    @property
    def is_web(self) -> bool:
        return self.protocol in _WEB

    @property
    def name(self) -> str:
        """The last part. Raises: UsageError if it is no name."""
        text = unquote(self._without_query) if self.is_web else self.text
        name = PurePosixPath(text.partition("://")[2]).name
        if name in ("", ".", "..") or "\0" in name:
            raise UsageError(f"{self}: names no file; give the URL of one, or of a folder of images")
        return name

    @property
    def stem(self) -> str:
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name).suffix

    @property
    def parent(self) -> "Url":
        return Url(self._without_query.rstrip("/").rpartition("/")[0])

    @property
    def has_magic(self) -> bool:
        """Whether it is a pattern. The ? of a web address begins its query."""
        return any(letter in self._without_query for letter in ("*[" if self.is_web else "*?["))

    def __truediv__(self, below: object) -> "Url":
        return Url(f"{self.text.rstrip('/')}/{below}")

    def with_name(self, name: str) -> "Url":
        return Url(f"{self.text.rpartition('/')[0]}/{name}")

    def __str__(self) -> str:
        shown = re.sub(r"(?<=://)[^/@]*@", "***@", self._without_query)
        return shown if self._without_query == self.text else f"{shown}?***"

    def secrets(self) -> list[str]:
        """What of it must not be printed, by whichever library."""
        query = self.text.partition("?")[2] if self.is_web else ""
        login = re.match(r"[^/]*?://([^/@]*)@", self.text)
        found = [query, *(value for _, value in parse_qsl(query)), *(login[1].split(":", 1) if login else [])]
        return [secret for secret in found if secret]

    @property
    def _without_query(self) -> str:
        return self.text.partition("?")[0] if self.is_web else self.text


Place = Path | Url


def is_url(text: str) -> bool:
    return _URL.match(text) is not None


def as_place(text: str) -> Place:
    """What a person typed. file:// is a local path. Raises: UsageError for a URL without a host or a bucket."""
    if not is_url(text):
        return Path(text)
    url = Url(text)
    if url.protocol == "file":
        from urllib.request import url2pathname  # takes a while to import

        return Path(url2pathname(urlsplit(text).path))
    if not re.match(r"[^/]", text.partition("://")[2]):
        raise UsageError(f"{url}: names no host or bucket; write it as {url.protocol}://NAME/...")
    return url


def beside(target: Place, ending: str) -> Place:
    """The file of a result. Args: target: folder and stem."""
    return target.with_name(target.name + ending)
