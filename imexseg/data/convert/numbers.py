"""The number of each class in the masks: that of the source wherever possible, so that predictions can be compared with it."""

from collections.abc import Mapping
from dataclasses import dataclass

from imexseg.errors import UsageError

LARGEST = 254  # 255 is ignored
BACKGROUND = "background"


@dataclass(frozen=True)
class Classes:
    """names: number in the masks ↦ name, rising.  numbers: what the source calls it ↦ the same.  rule: in words."""

    names: dict[int, str]
    numbers: dict[str, int]
    rule: str


def is_background(name: str) -> bool:
    """Whatever stands around the word, as in Labelme's _background_."""
    return name.strip(" _").lower() == BACKGROUND


def number_ids(ids: Mapping[int, str], what: str, unused: frozenset[int] = frozenset()) -> Classes:
    """Numbers of a source that has its own, with 0 for what nothing covers.

    Kept as they are if 0 is free, is the background, or is never used; else one more each; in rising order from 1 if they do
    not fit into 8 bits. Two ids of one name are one class.
    Args: ids: id ↦ name.  what: the ids are called, like "category ids".  unused: ids that no annotation has.
    Returns: with numbers by str(id).
    Raises: UsageError for too many.
    """
    kept = {i: name for i, name in sorted(ids.items()) if not (i == 0 and i in unused and len(ids) > 1)}
    by_name: dict[str, int] = {}
    objects = [i for i, name in kept.items() if not is_background(name) and by_name.setdefault(name, i) == i]
    if len(objects) > LARGEST:
        raise UsageError(f"{len(objects)} classes were found; masks of 8 bits hold {LARGEST} and the background")
    if 0 not in objects and all(0 < i <= LARGEST for i in objects):
        number, rule = {i: i for i in objects}, f"the {what}"
    elif all(0 <= i < LARGEST for i in objects):
        number, rule = {i: i + 1 for i in objects}, f"the {what} plus 1, since 0 is the background"
    else:
        number = {i: n for n, i in enumerate(objects, start=1)}
        rule = f"counted from 1 in the order of the {what}, which do not fit into masks of 8 bits"
    numbers = {str(i): 0 if is_background(name) else number[by_name[name]] for i, name in kept.items()}
    names = {0: BACKGROUND} | {n: kept[i] for i, n in sorted(number.items(), key=lambda pair: pair[1])}
    return Classes(names, numbers, rule)


def number_names(names: list[str], rule: str) -> Classes:
    """Numbers of a source that has only names: from 1 in their order. Args: rule: that order, "counted in alphabetical order"."""
    objects = [name for name in dict.fromkeys(names) if not is_background(name)]
    if len(objects) > LARGEST:
        raise UsageError(f"{len(objects)} classes were found; masks of 8 bits hold {LARGEST} and the background")
    numbers = {name: n for n, name in enumerate(objects, start=1)} | {n: 0 for n in names if is_background(n)}
    return Classes({0: BACKGROUND} | {numbers[name]: name for name in objects}, numbers, rule)
