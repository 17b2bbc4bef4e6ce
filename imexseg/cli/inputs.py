"""The images that a command line names: files, folders with their subfolders, quoted patterns."""

import glob
import itertools
from dataclasses import dataclass
from pathlib import Path

from imexseg.cli.results import is_result_name
from imexseg.errors import UsageError
from imexseg.storage.places import Place, Url, as_place, is_url


@dataclass(frozen=True)
class Input:
    """folder: of the results, below that of the output; the subfolder in which the image lies in the folder that was given.
    size: of the file in bytes, if a listing told it.
    """

    path: Place
    folder: Path = Path()
    size: int | None = None


def find_images(arguments: list[str], output: Place) -> tuple[list[Input], list[str]]:
    """Files as named, the images of folders, the matches of patterns, here or at URLs; each once.

    Args: output: a folder whose masks and overlays are not read: earlier results.
    Returns: the images, and a line for all that was found and left out.
    Raises: UsageError if an argument finds nothing.
    """
    from imexseg.data.pairs.files import find_files, has_suffix, is_hidden, some_names
    from imexseg.data.pairs.suffixes import IMAGE_SUFFIXES

    found: list[Input] = []
    remarks: list[str] = []
    places = [as_place(argument) for argument in arguments]
    if urls := [place for place in places if isinstance(place, Url)]:
        from imexseg.cli.remote_inputs import find_remote_images

        lists, remarks = find_remote_images(urls, output)
        remote = iter(lists)
    for argument, path in zip(arguments, places, strict=True):
        if isinstance(path, Url):
            found += [Input(*image) for image in next(remote)]
            continue
        argument = str(path) if is_url(argument) else argument  # file://
        if path.is_dir():
            listed = find_files(path, IMAGE_SUFFIXES)
            files = [file for file in listed.files if not _is_result(file, output)]
            if not files:
                suffixes = ", ".join(sorted(IMAGE_SUFFIXES))
                raise UsageError(f"{path}: no images in this folder (looked for {suffixes})")
            found += [Input(file, file.parent.relative_to(path)) for file in files]
            results = len(listed.files) - len(files)
            remarks += [f"{output}: {results} images not read, because they are earlier results"] * bool(results)
            remarks += listed.remarks(path)
        elif not path.exists() and glob.has_magic(argument):
            matches = [match for match in _matches(argument) if not _is_result(match, output)]
            fixed = len(Path(argument).parts) - len(Path(argument.split("*")[0].split("?")[0]).parts)
            visible = [m for m in matches if not any(is_hidden(part) for part in m.parts[-max(1, fixed) :])]
            images = [match for match in visible if match.is_file() and has_suffix(match, IMAGE_SUFFIXES)]
            if not images:
                what = f"matches no image, only {some_names(matches)}" if matches else "no file matches this pattern"
                raise UsageError(f"{argument}: {what}")
            found += [Input(image) for image in images]
            others = [match for match in matches if match not in set(images)]
            if others:
                remarks.append(
                    f"{argument}: {len(others)} matches are not images and were not read: {some_names(others)}"
                )
        else:
            found.append(Input(path))
    return list({image.path: image for image in found}.values()), remarks


def _matches(pattern: str) -> list[Path]:
    """Brackets may be part of a name, "scans [2024]/*.png", or of the pattern, "img[0-9].png"; both are looked for."""
    parts = Path(pattern).parts
    choices = [(part, part.replace("[", "[[]")) if "[" in part else (part,) for part in parts[:12]]
    found: set[str] = set()
    for chosen in itertools.product(*choices):
        found.update(glob.glob(str(Path(*chosen, *parts[12:])), recursive=True))
    return [Path(name) for name in sorted(found)]


def _is_result(path: Path, output: Place) -> bool:
    """Whether an earlier command may have written it."""
    if not isinstance(output, Path) or not path.resolve().is_relative_to(output.resolve()):
        return False
    return is_result_name(path.resolve().relative_to(output.resolve()).as_posix())


def unique_stems(images: list[Input]) -> list[str]:
    """A name for the results of each image: its subfolder and stem, made longer where two images share one."""
    taken: set[str] = set()
    stems = []
    for image in images:
        path = image.path
        candidates = [path.stem, path.name.replace(".", "_"), f"{_folder_name(path)}_{path.stem}"]
        candidates += [f"{path.stem}_{number}" for number in range(2, len(images) + 2)]
        places = ((image.folder / candidate).as_posix() for candidate in candidates)
        # Some file systems take x and X for one name.
        stem = next(place for place in places if place.lower() not in taken)
        taken.add(stem.lower())
        stems.append(stem)
    return stems


def _folder_name(path: Place) -> str:
    return path.absolute().parent.name if isinstance(path, Path) else path.parent.name
