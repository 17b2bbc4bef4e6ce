"""What a plan sees of the data: the facts of `imexseg check`, and what a sample of the images adds."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from imexseg.numerics.scaling import seen_size
from imexseg.plan import rules
from imexseg.plan.objects import Objects, look_at_objects
from imexseg.plan.reach import Reach, estimate_reach
from imexseg.training.fit import RunData


@dataclass(frozen=True)
class Seen:
    """Facts to decide by. reach: None if nobody asked for it."""

    data: RunData
    objects: Objects
    reach: Reach | None

    @property
    def n_train(self) -> int:
        return len(self.data.train.pairs)

    @property
    def n_val(self) -> int:
        return len(self.data.val.pairs)

    @property
    def long_side(self) -> int:
        """Pixels: median of the longer sides."""
        return int(np.median([max(size) for size in self.data.train.sizes]))

    @property
    def alike(self) -> bool:
        """Whether all images are of about one scale."""
        longest = [max(size) for size in self.data.train.sizes]
        return max(longest) <= rules.ALIKE * min(longest)

    @property
    def has_up_and_down(self) -> bool:
        return self.objects.up_and_down - self.objects.left_and_right > rules.UP_AND_DOWN

    @property
    def thickness(self) -> list[float | None]:
        """Of all classes but the most frequent."""
        frequent = int(self.data.train.class_pixels.argmax())
        return [one.thickness for number, one in enumerate(self.objects.classes) if number != frequent]

    def pixels(self, long_side: int | None, crop: tuple[int, int] | None = None) -> float:
        """Of an image, on average, as the network is trained on it."""
        if crop is not None:
            return float(crop[0] * crop[1])
        sizes = self.data.train.sizes
        if long_side is not None:
            sizes = [seen_size(height, width, long_side) for height, width in sizes]
        return float(np.mean([height * width for height, width in sizes]))

    def as_dict(self) -> dict[str, Any]:
        train, val = self.data.train, self.data.val
        counted = max(1, int(train.class_pixels.sum()))
        sizes = Counter(train.sizes).most_common(3)
        digests = set(train.digests)
        classes = []
        for number, one in enumerate(self.objects.classes):
            shares = {
                "pixel_share": round(int(train.class_pixels[number]) / counted, 5),
                "images": int(train.class_images[number]),
                "val_images": int(val.class_images[number]),
            }
            classes.append(one.as_dict() | shares)
        return {
            "train_images": self.n_train,
            "val_images": self.n_val,
            "sizes": [{"height": height, "width": width, "images": n} for (height, width), n in sizes],
            "different_sizes": len(set(train.sizes)),
            "bands": train.channels,
            "type": train.dtype.name,
            "ignored_share": round(train.ignored_pixels / max(1, counted + train.ignored_pixels), 5),
            "classes": classes,
            "masks_measured": self.objects.sampled,
            "up_and_down": round(self.objects.up_and_down, 3),
            "left_and_right": round(self.objects.left_and_right, 3),
            "reach": None if self.reach is None else self.reach.as_dict(),
            "equal_images": len(train.digests) - len(digests),
            "train_images_in_val": len(digests & set(val.digests)),
        }


def look(data: RunData, thoroughly: bool) -> Seen:
    """Args: thoroughly: estimate the reach too, which takes some seconds. Raises: UsageError for files that cannot be read."""
    names = data.description.names
    objects = look_at_objects(data.train.pairs, names)
    reach = estimate_reach(data.train.pairs, len(names), data.train.channels) if thoroughly else None
    return Seen(data, objects, reach)
