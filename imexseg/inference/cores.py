"""How many cores there are to use."""

import os


def usable_cores() -> int:
    """Of this process, which may have fewer than the machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
