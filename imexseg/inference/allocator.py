"""Memory that one operation frees, for the next one.

glibc asks the system for every block of more than a few megabytes, and gives it back when it is freed. Features of an image of a
megapixel are larger than that, so every operation waited for the system to clear pages: half of the time of a forward pass on
1024 x 1024 px (benchmarks/sizes.py). Kept by the process, they cost that once.
"""

import ctypes
import os
import sys
from contextlib import suppress

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4  # of mallopt, in malloc.h
_ALWAYS_KEPT = 2**31 - 1  # bytes
_FROM_SYSTEM = 2**30  # bytes: blocks larger than this are asked for and given back one by one


def keep_freed_memory() -> bool:
    """For the whole process. Returns: whether the system's allocator could be told; settings of the user's own are left."""
    if not sys.platform.startswith("linux") or any(name.startswith("MALLOC_") for name in os.environ):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # not glibc
        return False
    kept = bool(mallopt(_TRIM_THRESHOLD, _ALWAYS_KEPT))
    return kept and bool(mallopt(_MMAP_THRESHOLD, _FROM_SYSTEM) or mallopt(_MMAP_MAX, 0))


def give_back_freed_memory() -> None:
    """To the system, where the allocator can: what lies between blocks that are in use too.

    Between two pieces of an image that is segmented in bounded memory: blocks of many sizes leave gaps, and gaps that the
    process keeps add up to more than what is in use.
    """
    if sys.platform.startswith("linux"):
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
