"""Learning from a teacher: its answers beside the masks, or in place of them where an image has none.

    loss = (1 - w) · loss(masks) + w · T² KL(softmax(t/T) ‖ softmax(s/T)) + a · affinity

with s the student's logits, t the teacher's, T the temperature. Source: Hinton, Vinyals, Dean 2015, arXiv:1503.02531, pixel by
pixel; affinity: Liu et al. 2019, arXiv:1903.04197, equation 3. Differs: affinity compares probabilities, because features of the
two have different widths.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset

from imexseg.data.load.dataset import SegmentationDataset, collate
from imexseg.training.distil_settings import DistillationConfig
from imexseg.training.task import SegmentationTask
from imexseg.training.teacher import Teacher

NO_ANSWER = 1.0  # log-probabilities are never above 0; augmentation fills with 255, which is no answer either
NODES = 16  # a side, at most, of the grid whose regions are compared

Sample = tuple[Tensor, Tensor, Tensor]


class TaughtDataset(Dataset):
    """The samples of `images` with the teacher's answer (classes, H, W) to each, brought to the place of the image by the same
    crop and augmentation. The teacher sees the image before both."""

    def __init__(self, images: SegmentationDataset, teacher: Teacher):
        self.images = images
        self.teacher = teacher

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, key: tuple[int, int]) -> Sample:
        image, mask = self.images.decoded(key[1])
        answer = self.teacher(key[1], image)
        drawn = self.images.seeds(*key)
        if self.images.crop is not None:
            whole = mask
            image, _ = self.images.crop(image, whole, drawn.crop)
            answer, _ = self.images.crop(answer, whole, drawn.crop)
        if self.images.augmentation is not None:
            _, answer = self.images.augmentation(image, answer, drawn.augmentation)
        return *self.images[key], torch.from_numpy(np.ascontiguousarray(answer.transpose(2, 0, 1)))


def collate_taught(samples: list[Sample]) -> Sample:
    """As collate; what a smaller sample is extended by has no answer. Returns: answers (B, classes, H, W) as the third."""
    images, masks = collate([(image, mask) for image, mask, _ in samples])
    height, width = masks.shape[-2:]
    answers = [
        F.pad(answer, (0, width - answer.shape[-1], 0, height - answer.shape[-2]), value=NO_ANSWER)
        for _, _, answer in samples
    ]
    return images, masks, torch.stack(answers)


class DistillationLoss(nn.Module):
    """The loss of the masks, and within `taught_by` that of the answers too. Shapes: (B, classes, H, W), (B, H, W) → ()."""

    def __init__(self, loss: nn.Module, settings: DistillationConfig):
        super().__init__()
        self.loss = loss
        self.settings = settings
        self._answers: Tensor | None = None

    @contextmanager
    def taught_by(self, answers: Tensor) -> Iterator[None]:
        """Args: answers: (B, classes, H, W), log-probabilities; above 0 where there is none."""
        self._answers = answers
        try:
            yield
        finally:
            self._answers = None

    def forward(self, logits: Tensor, mask: Tensor) -> Tensor:
        of_masks = self.loss(logits, mask)
        if self._answers is None:
            return of_masks
        with torch.autocast(device_type=logits.device.type, enabled=False):
            weight, answers = self.settings.weight, self._answers.float()
            total = (1 - weight) * of_masks + weight * divergence(logits.float(), answers, self.settings.temperature)
            if self.settings.affinity:
                total = total + self.settings.affinity * affinity(logits.float(), answers)
        return total


def divergence(logits: Tensor, answers: Tensor, temperature: float) -> Tensor:
    """T² KL(teacher ‖ student), the mean over the pixels that have an answer; 0 if none has."""
    known = answers.amax(1) <= 0
    wanted = (answers.clamp(max=0) / temperature).log_softmax(1)
    said = (logits / temperature).log_softmax(1)
    kl = (wanted.exp() * (wanted - said)).sum(1)
    return temperature**2 * torch.where(known, kl, 0.0).sum() / known.sum().clamp(min=1)


def affinity(logits: Tensor, answers: Tensor) -> Tensor:
    """Mean square difference of cos(p_i, p_j) over all pairs of regions i, j, p a region's mean probabilities."""
    known = (answers.amax(1, keepdim=True) <= 0).float()
    size = (min(NODES, logits.shape[-2]), min(NODES, logits.shape[-1]))
    cosines = []
    for scores in (logits, answers.clamp(max=0)):
        mean = F.adaptive_avg_pool2d(known * scores.softmax(1), size)
        direction = F.normalize(mean.flatten(2), dim=1)
        cosines.append(direction.transpose(1, 2) @ direction)
    return (cosines[0] - cosines[1]).square().mean()


class DistilledTask(SegmentationTask):
    """Batches have the teacher's answers as their third part. The teacher itself is no part of it: nothing of it is trained."""

    loss: DistillationLoss  # type: ignore[assignment]

    def follow(self, settings: DistillationConfig) -> "DistilledTask":
        """Set how closely."""
        self.loss = DistillationLoss(self.loss, settings)
        return self

    def training_step(self, batch: Sample, batch_index: int) -> Tensor:  # type: ignore[override]
        image, mask, answers = batch
        with self.loss.taught_by(answers):
            return super().training_step((image, mask), batch_index)
