"""A whole data set at a glance: facts about each split, problems within and between them. Used by `check` and `train` alike."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from imexseg.data.check.problem import SHOWN, Problem, as_lines, by_kind
from imexseg.data.check.scan import Progress, ReadAll, SplitFacts, examine_split
from imexseg.data.description.data_yaml import DataDescription
from imexseg.data.pairs.leftovers import leftovers
from imexseg.data.read.masks import mixed_meanings
from imexseg.errors import UsageError


@dataclass(frozen=True)
class DatasetReport:
    """splits: facts of those in which anything could be read."""

    description: DataDescription
    splits: dict[str, SplitFacts]
    problems: list[Problem]

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.problems if not problem.warning]

    @property
    def warnings(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.warning]

    def require_no_errors(self) -> None:
        """Raises: UsageError with the first lines of each kind of error."""
        if self.errors:
            raise UsageError("\n".join(as_lines(self.errors)))

    def as_dict(self) -> dict[str, Any]:
        """What `imexseg check --json` prints."""
        return {
            "root": str(self.description.root),
            "names": self.description.names,
            "splits": {split: _facts_as_dict(facts, self.description.names) for split, facts in self.splits.items()},
            "errors": _problems_as_list(self.errors),
            "warnings": _problems_as_list(self.warnings),
        }


def check_dataset(
    description: DataDescription,
    splits: Sequence[str],
    progress: Progress = lambda n_done, n_total: None,
    read: ReadAll | None = None,
) -> DatasetReport:
    """Read every file of the splits once. Args: read: who reads the pairs of a split, see examine_split."""
    facts: dict[str, SplitFacts] = {}
    problems = [Problem("not read", line, warning=True) for line in leftovers(description)]
    for split in splits:
        found, wrong = examine_split(description, split, progress, read)
        problems += wrong
        if found is not None:
            facts[split] = found
    return DatasetReport(description, facts, problems + _between_splits(description, facts))


def _between_splits(description: DataDescription, splits: dict[str, SplitFacts]) -> list[Problem]:
    mixed = mixed_meanings([mask for facts in splits.values() for mask in facts.masks])
    problems = [Problem("masks of two meanings", mixed)] if mixed is not None else []
    if "train" in splits:
        train = splits["train"]
        for split, facts in splits.items():
            for what, of_train, other, remedy in (
                ("channels", train.channels, facts.channels, "write `channels: N` into data.yaml"),
                ("bit depth", train.dtype, facts.dtype, "store them alike"),
            ):
                if of_train != other:
                    text = f"{description.root}: {what} of train is {of_train}, of {split} {other}; {remedy}"
                    problems.append(Problem(what, text))
    first_seen: dict[bytes, tuple[str, str]] = {}
    for split, facts in splits.items():
        for pair, digest in zip(facts.pairs, facts.digests, strict=True):
            where, name = first_seen.setdefault(digest, (split, str(pair.image)))
            if where != split:
                text = (
                    f"{pair.image}: has the same pixels as {name}, so {split} is not independent of {where}; remove one"
                )
                problems.append(Problem("images in two splits", text, warning=True))
    return problems


def _facts_as_dict(facts: SplitFacts, names: list[str]) -> dict[str, Any]:
    n_pixels = int(facts.class_pixels.sum()) + facts.ignored_pixels
    n_counted = max(1, int(facts.class_pixels.sum()))
    sizes = Counter(facts.sizes).most_common()
    return {
        "images": len(facts.pairs),
        "sizes": [{"width": width, "height": height, "images": number} for (height, width), number in sizes],
        "kinds": [
            {"dtype": dtype, "channels": channels, "images": number}
            for (dtype, channels), number in sorted(facts.kinds.items())
        ],
        "mean": facts.mean,
        "std": facts.std,
        "ignored_share": facts.ignored_pixels / max(1, n_pixels),
        "classes": {
            name: {
                "pixels": int(pixels),
                "pixel_share": int(pixels) / n_counted,
                "image_share": int(images) / len(facts.pairs),
            }
            for name, pixels, images in zip(names, facts.class_pixels, facts.class_images, strict=True)
        },
        "equal_images": len(facts.digests) - len(set(facts.digests)),
    }


def _problems_as_list(problems: list[Problem]) -> list[dict[str, Any]]:
    return [{"kind": kind, "count": len(texts), "examples": texts[:SHOWN]} for kind, texts in by_kind(problems).items()]
