"""The settings that every kind of network has: which images go in, which classes come out. Imports no torch."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Width = Annotated[int, Field(ge=1, le=4096)]
Steps = Annotated[int, Field(ge=0, le=1000)]


class ImageConfig(BaseModel):
    """What goes in and comes out: channels, what one pixel value means, classes. Each kind of network adds its own settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    in_channels: int = Field(1, ge=1, le=1024)
    num_classes: int = Field(2, ge=2, le=254)
    mean: tuple[float, ...] = (0.0,)
    std: tuple[PositiveFloat, ...] = (1.0,)
    # Pixels. Every image is scaled so that its longer side is as long, and the answer back to the size of the image: for
    # photographs of one subject, taken with any camera. None: images are seen as they are.
    long_side: Annotated[int, Field(ge=32, le=4096)] | None = None

    @model_validator(mode="after")
    def _one_statistic_per_channel(self) -> "ImageConfig":
        for name in ("mean", "std"):
            if len(getattr(self, name)) != self.in_channels:
                raise ValueError(f"{name} has {len(getattr(self, name))} values for {self.in_channels} channels")
        return self

    @property
    def begins_pretrained(self) -> bool:
        """True if training begins with ImageNetwork.take_pretrained."""
        return False

    @property
    def licence_to_accept(self) -> str | None:
        """A licence, in words, that whoever trains it must accept first."""
        return None

    @property
    def has_levels(self) -> bool:
        """True if the network can be carried over from coarser images: ImageNetwork.on_finer_images."""
        return False

    def with_longer_steps(self, level: int) -> "ImageConfig":
        """On a coarser level of multilevel training: time steps 2^level times as long and as few.

        Raises: UsageError if a number of steps cannot be halved that often.
        """
        raise NotImplementedError(f"{type(self).__name__} has no levels")
