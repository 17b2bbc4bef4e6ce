"""Prints the table of imexseg/data/description/palette.py: colours that are as different as they can be.

    python -m benchmarks.palette

The method of Glasbey et al., "Colour displays for categorical images" (2007), https://doi.org/10.1002/col.20327: each colour is
the one farthest from all before it, here by CIEDE2000 among those neither dark, pale nor grey.
"""

import numpy as np
from skimage.color import deltaE_ciede2000, rgb2lab

FIRST = (40, 42, 54)  # of class 0
AVOIDED = [FIRST, (105, 105, 105), (165, 165, 165), (255, 255, 255)]  # class 0, stripes of ignored pixels, paper
STEP = 15  # between the candidates, of 255
COUNT = 253


def farthest_colours(count: int = COUNT) -> list[tuple[int, int, int]]:
    """Colours after the first, in the order in which they are chosen."""
    levels = np.arange(0, 256, STEP)
    candidates = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)
    lab = rgb2lab(candidates[None] / 255)[0]
    chosen_from = (lab[:, 0] > 30) & (lab[:, 0] < 90) & (np.hypot(lab[:, 1], lab[:, 2]) > 20)
    candidates, lab = candidates[chosen_from], lab[chosen_from]
    distance = np.full(len(lab), np.inf)
    for colour in AVOIDED:
        distance = np.minimum(distance, deltaE_ciede2000(lab, rgb2lab(np.array(colour)[None] / 255)))
    found = []
    for _ in range(count):
        best = int(distance.argmax())
        found.append((int(candidates[best, 0]), int(candidates[best, 1]), int(candidates[best, 2])))
        distance = np.minimum(distance, deltaE_ciede2000(lab, lab[best : best + 1]))
    return found


if __name__ == "__main__":
    print(" ".join(f"{red:02x}{green:02x}{blue:02x}" for red, green, blue in farthest_colours()))
