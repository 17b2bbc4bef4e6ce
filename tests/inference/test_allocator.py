"""What one operation frees, the next one has without asking the system. In a process of its own, whose allocator it changes."""

import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
from imexseg.inference.allocator import keep_freed_memory
import numpy as np
if "kept" in sys.argv and not keep_freed_memory():
    print("cannot")
    sys.exit()
def work():
    for _ in range(20):
        np.ones(1 << 24, np.uint8)[-1] += 1
        np.ones(1 << 26, np.uint8)[-1] += 1
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(*arguments: str) -> str:
    environment = {"PATH": "", "PYTHONPATH": ""}
    run = [sys.executable, "-c", FAULTS, *arguments]
    return subprocess.run(run, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout.strip()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="of glibc")
def test_memory_is_not_asked_for_again():
    kept = faults("kept")
    if kept == "cannot":
        pytest.skip("another C library")
    assert int(kept) < 1000 < 5000 < int(faults())
