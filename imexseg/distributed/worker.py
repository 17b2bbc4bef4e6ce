"""What a worker does: one network, images read and results written by itself."""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from imexseg.data.check.scan import Read, read_pairs
from imexseg.data.description.data_yaml import DataDescription
from imexseg.data.pairs.pairs import Pair
from imexseg.errors import JobError
from imexseg.evaluation.evaluate import Counted, Measures, count_pairs
from imexseg.inference.image_files import Wanted
from imexseg.inference.limited import predict_images_within
from imexseg.inference.memory_limit import MemoryLimit
from imexseg.inference.pipeline import Job, Result, predict_images
from imexseg.inference.placed import PlacedJob, PlacedResult, predict_groups
from imexseg.inference.tiled import predict_images_tiled
from imexseg.storage.mirror import Mirror
from imexseg.storage.scratch import scratch_folder


@dataclass(frozen=True)
class Setup:
    """The predictor that a worker opens. name: of the weights file, whose content is sent along.  on_gpu: torch only.
    tile: pixels.  memory: what MemoryLimit takes, the same for all, so that all choose the same tiles. At most one of the two.

    threads: with which it computes large images and tiles; 0, of an .onnx: those of the machine. With another number sums are
    rounded in another order, so masks are the same byte for byte only as those of whoever has as many.
    """

    name: str
    content: bytes
    tta: bool = False
    tile: int | None = None
    memory: tuple[int, int] | None = None
    on_gpu: bool = False
    threads: int = 1


class Worker:
    """Two of its methods may run at once: one moves files while the other has the network.

    The setup comes with each task, as a reference that is followed once: one that dies is made anew without arguments.
    """

    def __init__(self) -> None:
        self.setup: Setup | None = None
        self.network = threading.Lock()
        self.compare = True  # tiles and whole, until there was something to compare

    def ready(self, setup: list[Any]) -> None:
        """Raises: UsageError if the weights cannot be opened here, JobError if there is no GPU."""
        with self.network:
            self._open(setup)

    def _open(self, setup: list[Any]) -> None:
        """Args: setup: a reference to it, or none. Only who has the network may ask for this."""
        if setup and self.setup is None:
            import ray

            self.setup = ray.get(setup[0])
            assert self.predictor is not None

    @cached_property
    def opened(self) -> Any:
        assert self.setup is not None
        with scratch_folder() as scratch:
            path = scratch / self.setup.name
            path.write_bytes(self.setup.content)
            if path.suffix.lower() == ".onnx":
                from imexseg.inference.onnx_predictor import OnnxPredictor

                predictor: Any = OnnxPredictor(path, self.setup.threads)
                with predictor.threads(1):  # opens the file again, while it is there
                    return predictor
            import torch

            from imexseg.inference.open import open_predictor

            torch.set_num_threads(self.setup.threads)
            predictor = open_predictor(str(path))
        return _on_gpu(predictor) if self.setup.on_gpu else predictor

    @cached_property
    def predictor(self) -> Any:
        from imexseg.inference.tiling import TiledPredictor
        from imexseg.inference.tta import AugmentedPredictor

        assert self.setup is not None
        predictor = AugmentedPredictor(self.opened) if self.setup.tta else self.opened
        return TiledPredictor(predictor, self.setup.tile) if self.setup.tile else predictor

    @cached_property
    def limit(self) -> MemoryLimit:
        assert self.setup is not None
        assert self.setup.memory is not None
        return MemoryLimit(self.predictor, *self.setup.memory)

    def predict(
        self, setup: list[Any], number: int, jobs: list[PlacedJob], wanted: Wanted
    ) -> tuple[int, list[PlacedResult]]:
        """Args: number: of the group, given back. Raises: WriteError."""

        def segment(jobs: Sequence[Job]) -> Iterable[Result]:
            with self.network:
                self._open(setup)
                assert self.setup is not None
                if self.setup.tile:
                    return self._compared(
                        predict_images_tiled(
                            lambda source, path: (self.predictor, None), jobs, wanted, compare=self.compare
                        )
                    )
                with self.opened.threads(1):
                    if self.setup.memory:
                        return self._compared(
                            predict_images_within(
                                self.predictor, self.limit, jobs, wanted, cores=1, compare=self.compare
                            )
                        )
                    return list(predict_images(self.predictor, jobs, wanted, cores=1))

        return number, list(predict_groups(segment, [jobs]))

    def _compared(self, found: Iterable[Result]) -> list[Result]:
        """Once tiles and whole were compared, they are not again."""
        results = list(found)
        self.compare = self.compare and all(getattr(result, "disagreement", None) is None for result in results)
        return results

    def evaluate(
        self,
        setup: list[Any],
        number: int,
        block: tuple[int, list[Pair]],
        description: DataDescription,
        perturb: Any,
        mirror: Mirror | None,
        measures: Measures,
    ) -> tuple[int, list[Counted]]:
        """Args: block: number of its first pair in the split, and the pairs. Raises: UsageError."""
        first, pairs = block
        with self.network:
            self._open(setup)
            if perturb is not None:
                perturb = replace(perturb, network=getattr(self.opened, "network", None))
            with self.opened.threads(1):
                return number, list(count_pairs(self.predictor, description, pairs, first, perturb, mirror, measures))

    def check(
        self, setup: list[Any], number: int, pairs: list[Pair], description: DataDescription, mirror: Mirror | None
    ) -> tuple[int, list[Read]]:
        return number, list(read_pairs(pairs, description, mirror))


def _on_gpu(predictor: Any) -> Any:
    import torch

    from imexseg.inference.predictor import Predictor

    if not torch.cuda.is_available():
        raise JobError(
            "--gpus-per-worker: torch finds no GPU where a worker runs; install torch for CUDA, or leave it out"
        )
    return Predictor(predictor.network.to("cuda"))
