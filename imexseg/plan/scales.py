"""At which size a network sees the images: their own, a longer side of so many pixels, or pieces."""

from dataclasses import dataclass

from imexseg.plan import rules
from imexseg.plan.seen import Seen


@dataclass(frozen=True)
class Scale:
    """long_side: pixels, None for images as they are. crop: height and width of the pieces that are trained on, None: whole."""

    long_side: int | None
    crop: tuple[int, int] | None
    seen_side: int  # pixels of the longer side of an image, as the network sees it

    @property
    def words(self) -> str:
        size = "the images' own size" if self.long_side is None else f"longer side {self.long_side} px"
        return size if self.crop is None else f"{size}, pieces of {self.crop[1]} x {self.crop[0]} px"


def scales(seen: Seen) -> tuple[list[Scale], str]:
    """What may be chosen, the largest first, and the reason for its range. Never empty."""
    own = seen.long_side
    floor = rules.scale_for(seen.thickness, own)
    thin = rules.too_thin(seen.thickness, 1.0)
    kept = f"at {floor} px most classes are {rules.THINNEST:g} px thick or more"
    if floor > rules.LARGEST:
        crop = (rules.CROP, rules.CROP)
        if floor >= own:
            kept = f"{thin} of {len(seen.thickness)} classes are thinner than {rules.THINNEST:g} px even as they are"
            return [Scale(None if seen.alike else own, crop, own)], kept
        return [Scale(floor, crop, floor)], kept
    sides = [side for side in rules.SCALES if floor <= side <= rules.LARGEST and side < 0.9 * own]
    found = [Scale(side, None, side) for side in sides]
    if own <= rules.LARGEST:
        as_they_are = None if seen.alike or min(map(max, seen.data.train.sizes)) < 32 else own
        found.insert(0, Scale(as_they_are, None, own))
    return found or [Scale(rules.LARGEST, None, rules.LARGEST)], kept
