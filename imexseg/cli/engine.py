"""--engine and its options, and weights and data that may lie elsewhere: what predict, evaluate and check share."""

import argparse
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imexseg.cli.console import messages, positive_float, positive_int
from imexseg.errors import ImexsegError, UsageError
from imexseg.storage.places import Place, Url, as_place
from imexseg.storage.scratch import scratch_folder

if TYPE_CHECKING:
    from imexseg.distributed.pool import Pool
    from imexseg.distributed.worker import Setup
    from imexseg.storage.mirror import Mirror


def add_engine(parser: argparse.ArgumentParser, with_network: bool = True) -> None:
    group = parser.add_argument_group(
        "many machines", "See docs/scale.md. Paths of all kinds may also be s3://, gs:// or https://."
    )
    group.add_argument(
        "--engine", choices=["local", "ray"], default="local", help="ray: share the work out to a pool of workers"
    )
    group.add_argument(
        "--address",
        metavar="HOST",
        help="of a Ray cluster, HOST[:PORT] or ray://HOST[:PORT] (default: this machine alone)",
    )
    group.add_argument("--workers", type=positive_int, metavar="N", help="(default: one for each free core)")
    if with_network:
        group.add_argument(
            "--gpus-per-worker",
            type=positive_float,
            metavar="F",
            help="run on GPUs: 1, or 0.25 for four workers on each",
        )


def check_engine(options: argparse.Namespace) -> None:
    """Raises: UsageError for options that belong to Ray, without it."""
    for name in ("address", "workers", "gpus_per_worker"):
        if options.engine != "ray" and getattr(options, name, None) is not None:
            raise UsageError(f"--{name.replace('_', '-')}: belongs to --engine ray; add it, or leave this out")


def wants_ray(options: argparse.Namespace, n_images: int) -> bool:
    """Whether the work is to be shared out. A single image is not: that is said."""
    if options.engine != "ray" or n_images > 1:
        return options.engine == "ray" and n_images > 0
    messages.print("--engine ray: shares out images, and there is one; it is segmented here")
    return False


def pool_of(options: argparse.Namespace, n_tasks: int, setup: "Setup | None" = None) -> "AbstractContextManager[Pool]":
    """The workers that the options ask for. Raises: UsageError, JobError."""
    from imexseg.distributed.pool import opened

    return opened(options.address, setup, n_tasks, options.workers, getattr(options, "gpus_per_worker", None) or 0.0)


def setup_of(
    options: argparse.Namespace, weights: str | None, predictor: Any, memory: tuple[int, int] | None = None
) -> "Setup":
    """What each worker opens: the weights travel with it.

    Args: predictor: who would do it without Ray.  memory: limit and resident bytes of each worker; None: not
        bounded.
    Raises: UsageError if the weights cannot be read, or not run on a GPU.
    """
    from imexseg.distributed.worker import Setup

    if weights is not None and weights.lower().endswith(".onnx"):
        path = Path(weights)
        if options.gpus_per_worker:
            raise UsageError(f"{path}: an exported network runs on cores; leave out --gpus-per-worker")
    else:
        from imexseg.models.weights import find_weights

        path = find_weights(weights)
    # On this machine, as without Ray; on a cluster, where workers are as many as cores, they would be in each other's way.
    usual = getattr(predictor, "predictor", predictor).usual_threads
    threads = 1 if options.address or os.environ.get("RAY_ADDRESS") else usual
    return Setup(
        path.name, path.read_bytes(), options.tta, options.tile, memory, bool(options.gpus_per_worker), threads
    )


@contextmanager
def weights_here(weights: str | None) -> Iterator[str | None]:
    """What open_predictor takes; a file at a URL is copied first. Raises: UsageError naming the URL."""
    place = as_place(weights) if weights is not None else None
    if not isinstance(place, Url):
        yield weights if place is None else str(place)
        return
    from imexseg.storage.remote import fetch

    with scratch_folder() as scratch:
        path = scratch / place.name
        fetch(place, path)
        with naming(path, place):
            yield str(path)


@contextmanager
def naming(path: Path, place: Url) -> Iterator[None]:
    """Errors raised within it name the place, not the copy."""
    try:
        yield
    except ImexsegError as error:
        raise type(error)(str(error).replace(str(path), str(place))) from None


@contextmanager
def data_here(text: str) -> "Iterator[tuple[Path, Mirror | None]]":
    """A data set as a folder or data.yaml here, and its mirror if it lies elsewhere. Raises: UsageError naming the URL."""
    place: Place = as_place(text)
    if not isinstance(place, Url):
        yield place, None
        return
    from imexseg.storage.mirror import mirrored

    with mirrored(place) as (mirror, path), mirror.speaking():
        yield path, mirror
