"""Which images a URL means: a file, a folder with its subfolders, a pattern."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

from imexseg.cli.results import is_result_name
from imexseg.data.pairs.files import has_suffix, is_hidden
from imexseg.data.pairs.suffixes import IMAGE_SUFFIXES
from imexseg.errors import UsageError
from imexseg.storage.places import Place, Url
from imexseg.storage.remote import Remote, files_below, kind, matches

ASKED_AT_ONCE = 16  # URLs

Image = tuple[Url, Path, int | None]  # its folder below the one that was given, and its size in bytes, if known


def find_remote_images(urls: Sequence[Url], output: Place) -> tuple[list[list[Image]], list[str]]:
    """For each URL its images; a line for all that was found and left out.

    Raises: UsageError if a URL finds nothing, or it cannot be told.
    """
    with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
        answers = list(pool.map(lambda url: _find(url, output), urls))
    return [images for images, _ in answers], [remark for _, remarks in answers for remark in remarks]


def _find(url: Url, output: Place) -> tuple[list[Image], list[str]]:
    found = kind(url)
    if isinstance(found, Remote) and not (url.is_web and url.has_magic):
        return [(url, Path(), found.size)], []
    if url.has_magic:
        return _chosen(url, list(matches(url)), output, "no file matches this pattern", in_subfolders=False)
    if found == "nothing":  # said with the image, as of a local one
        return [(url, Path(), None)], []
    return _chosen(url, list(files_below(url)), output, "no images in this folder", in_subfolders=True)


def _chosen(
    url: Url, found: list[Remote], output: Place, nothing: str, in_subfolders: bool
) -> tuple[list[Image], list[str]]:
    visible = [one for one in found if one.below and not any(map(is_hidden, PurePosixPath(one.below).parts))]
    images = [one for one in visible if has_suffix(PurePosixPath(one.below), IMAGE_SUFFIXES)]
    wanted = [one for one in images if not _is_result(one.url, output)]
    if not wanted:
        raise UsageError(f"{url}: {nothing} (looked for {', '.join(sorted(IMAGE_SUFFIXES))})")
    remarks = [f"{output}: {len(images) - len(wanted)} images of earlier results not read"] * (images != wanted)
    if others := len(found) - len(images):
        remarks.append(f"{url}: {others} other or hidden files not read")
    folders = [Path(one.below).parent if in_subfolders else Path() for one in wanted]
    return [(one.url, folder, one.size) for one, folder in zip(wanted, folders, strict=True)], remarks


def _is_result(url: Url, output: Place) -> bool:
    folder = output.text.rstrip("/") + "/" if isinstance(output, Url) else ""
    return bool(folder) and url.text.startswith(folder) and is_result_name(url.text.removeprefix(folder))
