"""From an image as read to the class of every pixel, at the original size."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from imexseg.data.read.as_trained import as_trained
from imexseg.data.read.tensors import image_to_tensor
from imexseg.errors import JobError
from imexseg.inference.footprint import Footprint, counted
from imexseg.inference.live_tensors import most_bytes
from imexseg.inference.prediction import Prediction, most_probable
from imexseg.layers.solve_modes import without_keeping
from imexseg.models.contract import ImageNetwork
from imexseg.models.count import count_parameters

SLACK = 1.25  # what torch's libraries use beside the tensors that they are given


class Predictor:
    """Runs a trained network on images of any size, channels and bit depth.

    Args: network: from `imexseg.load`, whose `info` says what its pixel values mean.
    """

    gives_probabilities = True

    def __init__(self, network: ImageNetwork):
        self.network = network.eval()
        self.info = network.info
        self.parameters = count_parameters(network)
        self.seen_radius = network.reach()
        self.long_side = network.config.long_side
        self.usual_threads = torch.get_num_threads()
        self.device = next(network.parameters()).device

    def predict(self, image: np.ndarray, name: str | Path = "image") -> Prediction:
        """Args: image: (H, W, C) uint8, uint16 or float32.  name: for messages.

        Raises: UsageError if its channels cannot be brought to the network's; JobError if memory does not suffice.
        """
        return self.predict_batch([image], name)[0]

    def predict_batch(self, images: list[np.ndarray], name: str | Path = "image") -> list[Prediction]:
        """As predict, for images that are all of one size: faster where they are small."""
        return self._segment([as_trained(image, self.info, name)[0] for image in images], name)

    def classes_batch(self, images: list[np.ndarray], name: str | Path = "image") -> list[np.ndarray]:
        """The classes of segment alone, for images that are all of one size. Shapes: (H, W, C) → (H, W) uint8, each."""
        return [prediction.classes for prediction in self._segment(images, name)]

    def segment(self, pixels: np.ndarray, name: str | Path = "image") -> Prediction:
        """As predict, for pixels that have the channels, the type and the scale of the training images already."""
        return self._segment([pixels], name)[0]

    @contextmanager
    def threads(self, number: int | None) -> Iterator[None]:
        """Within it the network computes with so many threads; None: as many as torch chose at first.

        Holds for the calling thread, and for those that call torch for the first time within it.
        """
        before = torch.get_num_threads()
        torch.set_num_threads(self.usual_threads if number is None else number)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    @cached_property
    def footprint(self) -> Footprint:
        """What segmenting one image takes."""
        n_channels = self.network.config.in_channels

        def most(side: int) -> int:
            image = torch.zeros(1, n_channels, side, side, device=self.device)
            with without_keeping(self.network):
                return most_bytes(lambda: self.network(image).softmax(1))

        # Beside the network: the pixels as floats, twice; and probabilities and class numbers.
        return counted(most, self.long_side, SLACK).plus(4 * (2 * n_channels + len(self.info.names)) + 1)

    def _segment(self, images: list[np.ndarray], name: str | Path) -> list[Prediction]:
        batch = torch.stack([image_to_tensor(image) for image in images])
        try:
            with torch.inference_mode():
                probabilities = self.network(batch.to(self.device)).softmax(1).cpu().numpy()
        except (RuntimeError, MemoryError) as error:
            if "memory" not in str(error).lower() and not isinstance(error, MemoryError):
                raise
            height, width = images[0].shape[:2]
            remedy = "scale it down" if self.long_side else "use --tile 1024, or scale it down"
            raise JobError(f"{name}: {width} x {height} px do not fit in memory; {remedy}") from None
        return [Prediction(most_probable(p), p) for p in probabilities]

    def adaptation(self, image: np.ndarray) -> str | None:
        """These networks take images of any size: there is nothing to say."""
        return None
