"""Stopping on a signal once the current frame is finished."""

import signal


class StopSignal:
    """Within this context SIGINT (Ctrl-C) and SIGTERM set `received`; a second one acts as it did before."""

    def __enter__(self) -> "StopSignal":
        self.received = False
        self._before = {number: signal.signal(number, self._receive) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: object) -> None:
        self.received = True
        self.__exit__()
