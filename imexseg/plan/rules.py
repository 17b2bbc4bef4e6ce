"""All rules of planning, each with the table that it comes from. What is counted or measured is in the other files of the room.

Tables: docs/photographs.md and docs/figures.md, docs/recipes.md for what belongs to a network alone (models/recipes.py holds its
conclusions), and docs/training.md#planning for those below that begin with `plan`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from imexseg.models.catalogue import DEFAULT_MODEL

SECONDS = 30 * 60  # at most, of who names no budget
VISITS = 12_000  # images that training shows without a budget, if the epochs of the recipe are fewer: 12 epochs of 1024 Q-tips


@dataclass(frozen=True)
class Candidate:
    """A network that a plan may choose.

    visits: images that training must show it before it beats the next candidate.
    passes: over the training images, below which a smaller scale pays more; most_passes: above which nothing was measured.
    cost, latency: seconds of training, and of onnxruntime, for as many pixels, relative to the first candidate: only to know
        what to try first.
    bytes_above: of the .onnx beyond its weights, in fp32 and in fp16, for 240 × 320 px: only to know what to try first.
    """

    model: str
    why: str
    visits: int
    passes: int
    most_passes: int
    cost: float
    latency: float
    bytes_above: tuple[int, int]
    network: dict[str, Any] = field(default_factory=dict, hash=False)
    pretrained: bool = False
    least_side: int = 64  # pixels of the longer side: smaller images leave its coarsest grid too few points


# The most promising first.
# Order: docs/photographs.md, tables "On a pretrained encoder" (lite0 ahead of U-Net and DeepLabV3+ on the same encoder) and
# "Several scales" (photo-m without the solve 42.3, photo-s 39.4, photo-tiny 34.1 mIoU on CamVid).
# cost, latency, bytes_above and milliseconds: `python -m benchmarks.plan candidates`.
MS_OF_A_PIXEL = 48.0 / (240 * 320)  # of the first candidate in onnxruntime, one thread
MS_OF_SCALING = 3e-5  # a pixel of the file: down to what the network sees, and the scores up again
PHOTOGRAPHS: list[Candidate] = [
    Candidate(
        "imex-lite0",
        "an encoder trained on ImageNet needs the fewest images and epochs",
        *(400, 10, 200, 1.0, 1.0, (27_000, 122_000)),
        pretrained=True,
    ),
    Candidate(
        "residual-lean-photo-m",
        "the best of those trained from scratch; its pyramid sees the whole image without the solve",
        *(2000, 25, 500, 0.38, 0.41, (50_000, 40_000)),
    ),
    Candidate(
        "imex-residual-lean-photo-s",
        "the best below 200 kB; the solve on its coarser scale is worth 4 points",
        *(0, 25, 500, 0.28, 0.28, (25_000, 21_000)),
    ),
    Candidate(
        "imex-residual-lean-photo-s",
        "the same, narrower, for small files",
        *(0, 25, 500, 0.28, 0.2, (24_000, 20_000)),
        network={"width": [24, 40]},
    ),
    Candidate(
        "imex-residual-lean-photo-tiny",
        "one scale; the solve is worth 4 to 8 points there",
        *(0, 25, 500, 0.32, 0.35, (50_000, 31_000)),
    ),
    Candidate(
        "imex-residual-lean-photo-tiny",
        "the same, narrower, for the smallest files",
        *(0, 25, 500, 0.08, 0.1, (48_000, 30_000)),
        network={"width": [16]},
    ),
]
# docs/figures.md: images of Q-tips, 64², where both ends of a bar decide; a grid of stride 16 would have four points.
SMALL_IMAGES = Candidate(
    DEFAULT_MODEL,
    "images this small need a fine grid: one scale at stride 2, which sees the whole image by the solve",
    *(0, 12, 500, 1.24, 2.6, (196_000, 116_000)),
    least_side=1,
)
SMALL_SIDE = 96  # pixels: a longer side below it makes SMALL_IMAGES the first candidate

# Scales. plan-scale: a stride of 4 loses what is thinner than three pixels; a class or two of many may be that thin (poles in
# CamVid), but not most of them (vessels).
SCALES = (1024, 768, 512, 384, 320, 256, 224, 192, 160, 128, 96, 64)
LEAST_SCALE = 128  # pixels of the longer side: below it another network is tried first; trials begin there
LARGEST = 512  # pixels of the longer side, unless thin objects ask for more
THINNEST = 3.0  # pixels
MAY_BE_THINNER = 0.25  # share of the classes, the most frequent one not counted
CROP = 256  # pixels: of pieces, where whole images at the scale that is needed are larger than LARGEST
ALIKE = 1.15  # images whose longer sides differ by less are seen as they are

# Images that look the same upside down may be turned upside down. By objects.py, between tiles (0.03) and clothes (0.07).
UP_AND_DOWN = 0.05

# `light` (data/load/augmentation.py) and, with it, all that an image turned upside down can be.
TURNED: list[dict[str, Any]] = [
    {"HorizontalFlip": {"p": 0.5}},
    {"VerticalFlip": {"p": 0.5}},
    {
        "Affine": {
            "scale": [0.8, 1.25],
            "translate_percent": [-0.06, 0.06],
            "rotate": [-5, 5],
            "keep_ratio": True,
            "border_mode": 4,  # cv2.BORDER_REFLECT_101
            "p": 0.7,
        }
    },
    {"RandomBrightnessContrast": {"brightness_limit": 0.2, "contrast_limit": 0.2, "p": 0.5}},
]

# Time. Of the budget, what is not training: kept for what the trial could not see.
MARGIN = 0.04
FEWEST_EPOCHS, MOST_EPOCHS = 10, 60  # validations of a run: fewer choose badly, more cost more than they tell
VALIDATION_SHARE = 0.15  # of the time of an epoch
LEAST_STEPS = 40  # of the optimiser, below which one cycle of the learning rate does not get anywhere
SAVING = 0.3  # seconds an epoch: metrics.csv, best.safetensors, last.ckpt
REPORT = 8.0  # seconds: figures and pages, beside the images that are predicted for it
SUSPICIOUS = 0.05  # of the budget, for looking through the training images again (report/suspicious.py)

# Few passes: docs/recipes.md, "Augmentation is a matter of how often a network sees each image": mirrored and nothing else gains
# 1.5 ± 0.6 points where images are seen 3 to 20 times (photo-s; not measured on lite0).
FEW_PASSES = 20
MIRRORED: list[dict[str, Any]] = [{"HorizontalFlip": {"p": 0.5}}]
MIRRORED_BOTH_WAYS: list[dict[str, Any]] = [*MIRRORED, {"VerticalFlip": {"p": 0.5}}]

# Folds: where a score on the validation images says little, and the budget leaves time that training has no use for.
FEW_VALIDATION = 20  # images
LEAST_FOLDS, MOST_FOLDS = 3, 5

# Validation: half the width of an interval of 95 % is about this many points of mIoU over the root of the number of images.
SPREAD_OF_AN_IMAGE = 27.5  # plan-spread: `people` on images of CCP, drawn again


def candidates(long_side: int, pretrained: bool, own_family: bool) -> list[Candidate]:
    """Those for images of a longer side of so many pixels, most promising first.

    Args: pretrained: whether weights of ImageNet can be had and are wanted.  own_family: settings were given that only
        networks of the own family have.
    """
    order = [SMALL_IMAGES, *PHOTOGRAPHS] if long_side < SMALL_SIDE else PHOTOGRAPHS
    return [
        candidate
        for candidate in order
        if long_side >= candidate.least_side and not (candidate.pretrained and (own_family or not pretrained))
    ]


def too_thin(thickness: Sequence[float | None], scale: float) -> int:
    """How many classes would be thinner than what a network can see. Args: thickness: of all classes but the most frequent."""
    return sum(1 for pixels in thickness if pixels is not None and pixels * scale < THINNEST)


def scale_for(thickness: Sequence[float | None], long_side: int) -> int:
    """The smallest longer side at which few enough classes are too thin; that of the files if none is."""
    known = [pixels for pixels in thickness if pixels is not None]
    fitting = [
        side
        for side in SCALES
        if side < long_side and too_thin(known, side / long_side) <= MAY_BE_THINNER * max(1, len(known))
    ]
    return min(fitting, default=long_side)


def enough_passes(recipe_epochs: int, n_images: int) -> int:
    """Over the images, where nobody asked to use more time."""
    return max(recipe_epochs, -(-VISITS // n_images))


def interval(n_images: int) -> float:
    """Half the width, in points of mIoU, of what a score on so many images may be off by."""
    return SPREAD_OF_AN_IMAGE / n_images**0.5
