"""The split that a file or folder name contains as a whole word: train2017 and Valid are, latest and trainval are not."""

import re

_WORDS = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
SPLIT_OF_WORD = {word: split for split, words in _WORDS.items() for word in words}


def split_in(*names: str) -> str | None:
    """The split of the first name that speaks of exactly one; None if none does."""
    for name in names:
        words = re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name))
        found = {SPLIT_OF_WORD[word.lower()] for word in words if word.lower() in SPLIT_OF_WORD}
        if len(found) == 1:
            return found.pop()
    return None
