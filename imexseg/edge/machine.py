"""What machine this is, and how much memory this process has used."""

import platform
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import onnxruntime

import imexseg
from imexseg.inference.cores import usable_cores

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Machine:
    """name: of the board or, where it has none, of the processor.  cores: those that this process may use.  memory_mib: of the
    machine; None where the system does not tell.
    """

    name: str
    architecture: str
    cores: int
    memory_mib: int | None
    system: str
    python: str
    onnxruntime: str
    imexseg: str

    @classmethod
    def here(cls) -> "Machine":
        return cls(
            _name(),
            platform.machine(),
            usable_cores(),
            _memory_mib(),
            f"{platform.system()} {platform.release()}",
            platform.python_version(),
            onnxruntime.__version__,
            imexseg.__version__,
        )

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        memory = "" if self.memory_mib is None else f", {self.memory_mib} MiB"
        return (
            f"{self.name} ({self.architecture}), {self.cores} cores{memory}, {self.system}; Python {self.python}, "
            f"onnxruntime {self.onnxruntime}"
        )


def peak_bytes() -> int | None:
    """Most memory of this process so far; None where the system does not tell."""
    found = re.search(r"VmHWM:\s*(\d+) kB", _text("/proc/self/status"))
    if found:
        return 1024 * int(found[1])
    if resource is None:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else 1024 * peak


def _name() -> str:
    board = _text("/proc/device-tree/model").strip("\0 \n")
    processor = re.search(r"^model name\s*:\s*(.+)$", _text("/proc/cpuinfo"), re.MULTILINE)
    return board or (processor[1].strip() if processor else platform.processor()) or "unknown processor"


def _memory_mib() -> int | None:
    found = re.search(r"MemTotal:\s*(\d+) kB", _text("/proc/meminfo"))
    return int(found[1]) >> 10 if found else None


def _text(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""
