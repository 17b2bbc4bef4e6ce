"""Joining a Ray cluster, or starting one of this machine's cores alone. Nothing else of the program imports Ray."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from imexseg.errors import JobError, UsageError
from imexseg.inference.cores import usable_cores

PORT = 6379  # of `ray start --head`
CLIENT_PORT = 10001  # of ray://, for a machine that is not of the cluster
SECONDS = 5  # to answer at all
SETTINGS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
OBJECTS = 128 << 20  # bytes that wait between workers: weights, and lists of names


@contextmanager
def connected(address: str | None, cores: int | None = None) -> Iterator[None]:
    """Within it this process is a driver of Ray. One that is already connected is used as it is.

    Args: address: HOST, HOST:PORT or ray://HOST:PORT; None: start Ray here, for this process only, deaf to other machines.
        cores: how many the new one has; None: all that this process may use.
    Raises: UsageError if Ray is not installed or the address is none; JobError if nobody answers.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    address = address or os.environ.get("RAY_ADDRESS") or None
    if address in (None, "local"):  # before Ray is imported; it would take the address of a network card otherwise
        address = None
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    elif address != "auto":
        address = _answering(address)
    try:
        import ray
    except ImportError:
        raise UsageError("--engine ray: Ray is not installed; pip install 'imexseg[distributed]'") from None
    if ray.is_initialized():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": True}
    try:
        if address is None:
            n_cpus = cores or usable_cores()
            ray.init("local", num_cpus=n_cpus, include_dashboard=False, object_store_memory=OBJECTS, **quiet)
        else:
            with _stderr_elsewhere():
                ray.init(address=address, **quiet)
    except Exception as error:  # whatever it stumbles over
        where = address or "this machine"
        remedy = "compare its version with that of the cluster; if that asks for a token, set RAY_AUTH_MODE=token"
        raise JobError(
            f"--engine ray: Ray does not start on {where} ({_first_line(error)}); {remedy if address else 'see its log'}"
        ) from None
    ray._private.worker._worker_logs_enabled = (
        False  # deaths of workers, on standard output; its debugger does the same
    )
    if threading.current_thread() is threading.main_thread():
        for number, handler in handlers.items():  # Ray takes over SIGTERM
            signal.signal(number, handler)
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def _stderr_elsewhere() -> Iterator[None]:
    """Ray's libraries write a line a second there while they try to connect; what it was is said at the end."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _answering(address: str) -> str:
    """As Ray wants it. Raises: UsageError, JobError."""
    is_client = address.startswith("ray://")
    host, _, port = address.removeprefix("ray://").partition(":")
    if not host or "/" in host or not (port or "1").isdecimal() or not 0 < int(port or 1) < 1 << 16:
        raise UsageError(f"--address {address}: is no address; give HOST, HOST:PORT or ray://HOST:PORT")
    number = int(port) if port else CLIENT_PORT if is_client else PORT
    try:
        socket.create_connection((host, number), SECONDS).close()
    except OSError as error:
        remedy = "start Ray there with `ray start --head`, or leave out --address to use this machine"
        raise JobError(
            f"--address {address}: nobody answers at {host}:{number} ({error.strerror or error}); {remedy}"
        ) from None
    return f"{'ray://' if is_client else ''}{host}:{number}"


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)[:200]
