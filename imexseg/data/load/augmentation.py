"""Augmentation by name, or as a list of albumentations. The only file that imports albumentations."""

import inspect
import os
import random
import warnings
from typing import Any

import numpy as np

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # importing it would ask the network for a newer version

import albumentations as A
import cv2

from imexseg.data.load.augmentation_names import AUGMENTATIONS
from imexseg.data.read.as_trained import full_scale
from imexseg.errors import UsageError

Steps = list[dict[str, dict[str, Any]]]  # [{HorizontalFlip: {p: 0.5}}, …]

# What a list may name: transforms of an image with its mask that need no other files, functions or annotations, and leave
# values in their range.
GEOMETRIC = frozenset(
    [
        "Affine",
        "CoarseDropout",
        "D4",
        "ElasticTransform",
        "Erasing",
        "GridDistortion",
        "GridDropout",
        "HorizontalFlip",
        "OpticalDistortion",
        "Perspective",
        "PiecewiseAffine",
        "PixelDropout",
        "RandomCrop",
        "RandomResizedCrop",
        "RandomRotate90",
        "RandomScale",
        "Resize",
        "Rotate",
        "SafeRotate",
        "ShiftScaleRotate",
        "SquareSymmetry",
        "ThinPlateSpline",
        "Transpose",
        "VerticalFlip",
    ]
)
TONAL = frozenset(
    [
        "AdditiveNoise",
        "AdvancedBlur",
        "AutoContrast",
        "Blur",
        "CLAHE",
        "ChannelDropout",
        "ChannelShuffle",
        "ColorJitter",
        "Defocus",
        "Downscale",
        "Emboss",
        "Equalize",
        "FancyPCA",
        "GaussNoise",
        "GaussianBlur",
        "HueSaturationValue",
        "ISONoise",
        "Illumination",
        "ImageCompression",
        "MedianBlur",
        "MotionBlur",
        "MultiplicativeNoise",
        "PlanckianJitter",
        "PlasmaBrightnessContrast",
        "PlasmaShadow",
        "Posterize",
        "RGBShift",
        "RandomBrightnessContrast",
        "RandomFog",
        "RandomGamma",
        "RandomRain",
        "RandomShadow",
        "RandomToneCurve",
        "RingingOvershoot",
        "SaltAndPepper",
        "Sharpen",
        "ShotNoise",
        "Superpixels",
        "ToGray",
        "UnsharpMask",
        "ZoomBlur",
    ]
)


def _named(name: str, square: bool) -> tuple[list[A.BasicTransform], list[A.BasicTransform], list[A.BasicTransform]]:
    """Steps for every image, for 8 and 16 bits only, and for those of three channels only."""
    if name == "symmetries":
        flips = [A.HorizontalFlip(p=0.5), A.VerticalFlip(p=0.5)]
        return [*flips, A.Transpose(p=0.5)] if square else flips, [], []
    if name == "light":
        moved = {"scale": (0.8, 1.25), "translate_percent": (-0.06, 0.06), "rotate": (-5, 5), "p": 0.7}
        tones = [A.RandomBrightnessContrast(0.2, 0.2, p=0.5)]
        return [A.HorizontalFlip(p=0.5), _affine(**moved)], tones, []
    if name == "strong":
        moved = {
            "scale": (0.5, 2.0),
            "translate_percent": (-0.12, 0.12),
            "rotate": (-15, 15),
            "shear": (-5, 5),
            "p": 0.9,
        }
        tones = [
            A.RandomBrightnessContrast(0.3, 0.3, p=0.7),
            A.RandomGamma((70, 140), p=0.3),
            A.GaussNoise(std_range=(0.01, 0.06), p=0.3),
            A.GaussianBlur((3, 5), p=0.2),
        ]
        colour = [A.HueSaturationValue(hue_shift_limit=10, sat_shift_limit=30, val_shift_limit=0, p=0.5)]
        return [A.HorizontalFlip(p=0.5), _affine(**moved)], tones, colour
    return [], [], []


def _affine(**settings: Any) -> A.Affine:
    """Mirrored at the border, image and mask alike: black corners would teach a network with a global view what is none."""
    return A.Affine(keep_ratio=True, border_mode=cv2.BORDER_REFLECT_101, **settings)


def check_steps(steps: Steps) -> None:
    """Raises: ValueError naming the step, what is wrong with it and what may stand there."""
    build_steps(steps)


def build_steps(steps: Steps) -> list[A.BasicTransform]:
    """Transforms by their names in albumentations, each with its own settings; nothing else can be named."""
    built = []
    for number, step in enumerate(steps, start=1):
        if not isinstance(step, dict) or len(step) != 1:
            raise ValueError(f"augmentation: step {number} should be `- Name: {{setting: value}}`, found {step!r}")
        ((name, settings),) = step.items()
        if name not in GEOMETRIC | TONAL:
            raise ValueError(f"augmentation: unknown step {name!r}; choose of {', '.join(sorted(GEOMETRIC | TONAL))}")
        settings = settings or {}
        known = inspect.signature(getattr(A, name).__init__).parameters.keys() - {"self", "always_apply"}
        if not isinstance(settings, dict) or not settings.keys() <= known:
            wrong = sorted(settings.keys() - known) if isinstance(settings, dict) else settings
            raise ValueError(f"augmentation: {name} has no setting {wrong}; it has {', '.join(sorted(known))}")
        settings = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                built.append(getattr(A, name)(**settings))
        except Exception as error:  # albumentations raises what pydantic, NumPy or its own checks happen to say
            lines = [line.strip() for line in str(error).splitlines() if "further information" not in line]
            raise ValueError(f"augmentation: {name}: {' '.join(lines)[:300]}") from None
    return built


class Augmentation:
    """(image (H, W, C), mask (H, W)) ↦ the same, changed at random but repeatably.

    "symmetries" draws one of the eight symmetries of the square, for images without an up and a down; on images that are not
    all square it keeps to the four that do not swap height and width. "light" and "strong" are for photographs: mirrored,
    moved, scaled, brighter or darker; 16 bits are worked on as floats of 0 to 1, so that none is lost, and images stored as
    floats, whose range nobody knows, are changed in their geometry only. A list of steps is applied as it stands.
    Raises: ValueError for an unknown name or step.
    """

    def __init__(self, name: str | Steps, square: bool):
        if isinstance(name, str) and name not in AUGMENTATIONS:
            raise ValueError(f"unknown augmentation {name!r}; choose one of {', '.join(AUGMENTATIONS)}")
        if isinstance(name, str):
            self._always, self._tones, self._colour = _named(name, square)
        else:
            steps = build_steps(name)
            self._always, self._tones, self._colour = steps, [], []
        self._any_tone = bool(self._tones) or not isinstance(name, str)
        self._pipelines: dict[tuple[bool, bool], A.Compose] = {}

    def __call__(self, image: np.ndarray, mask: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """What is drawn depends on the seed alone, not on what was drawn before or by which worker."""
        stored_float = image.dtype == np.float32
        kind = (not stored_float, image.shape[2] == 3)
        if kind not in self._pipelines:
            tones = self._tones if kind[0] else []
            colour = self._colour if all(kind) else []
            self._pipelines[kind] = A.Compose([*self._always, *tones, *colour])
        pipeline = self._pipelines[kind]
        if not pipeline.transforms:
            return image, mask
        if image.dtype == np.uint16 and self._any_tone:
            image = image.astype(np.float32) / np.float32(full_scale(image.dtype))
        # One state for all steps: set_random_seed would start each of them from the same number, and with it they would all
        # flip, or none of them.
        pipeline.set_random_state(np.random.default_rng(seed), random.Random(seed))
        try:
            result = pipeline(image=image, mask=mask)
        except Exception as error:  # OpenCV's and albumentations' own
            reason = " ".join(str(error).split())[:200]
            raise UsageError(
                f"augmentation: cannot be applied to {image.dtype} images of {image.shape[2]} channels ({reason}); "
                "leave out the steps that need 8 bits or three channels"
            ) from None
        return result["image"], result["mask"]
