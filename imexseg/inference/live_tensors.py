"""How many bytes torch's tensors take at once while a function runs."""

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode


class _LiveTensors(TorchFunctionMode):
    """Sees what every operation that Python calls returns. Memory is that of storages, which views share.

    (A mode below the operations would see more, but its first use imports torch's compiler, which takes seconds.)
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self._watched: dict[int, weakref.ref] = {}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for item in out if isinstance(out, tuple | list) else (out,):
            if isinstance(item, Tensor):
                self._watch(item.untyped_storage())
        return out

    def _watch(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata
        if key in self._watched:
            return
        n_bytes = storage.nbytes()

        def gone(_: weakref.ref) -> None:
            del self._watched[key]
            self.now -= n_bytes

        self._watched[key] = weakref.ref(storage, gone)
        self.now += n_bytes
        self.most = max(self.most, self.now)


def most_bytes(work: Callable[[], object]) -> int:
    """At once, of the tensors that are made within `work`."""
    with torch.inference_mode(), _LiveTensors() as seen:
        work()
    return seen.most
