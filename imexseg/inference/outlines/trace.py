"""The boundaries of a mask, along the edges of its pixels.

Between two pixels of different labels runs an edge one pixel long, from corner to corner. Each side of it that is traced has an
edge of its own there, directed so that its label lies to the right; followed one after the other they make up rings: clockwise
round a part, counterclockwise round a hole in it. Where two pixels of one label touch at a corner they belong to one part.

    directions   0 east, 1 south, 2 west, 3 north; (row, column) is the corner at the upper left of that pixel
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

EAST, SOUTH, WEST, NORTH = range(4)
_OUTSIDE = -1
_ROWS = 256  # looked at together
# The pixel to the right of an edge, the one to its left, and the two ahead: (rows, columns) from the corner it begins at.
_RIGHT = ((0, 0), (0, -1), (-1, -1), (-1, 0))
_LEFT = ((-1, 0), (0, 0), (0, -1), (-1, -1))
_AHEAD_RIGHT = ((0, 1), (1, -1), (-1, -2), (-2, 0))
_AHEAD_LEFT = ((-1, 1), (1, 0), (0, -2), (-2, -1))
_STEP = ((0, 1), (1, 0), (0, -1), (-1, 0))


@dataclass(frozen=True)
class Rings:
    """All rings one after the other. Shapes: corners (n, 2) int64 as (x, y); is_node (n,) bool, labels, parts and areas (rings,).

    corners: where a ring turns, and its nodes.  is_node: where more than two boundaries meet, and the corners of the image.
    starts: (rings + 1,) of each ring in them.  parts: number of the ring round the part that a ring belongs to, its own for
    one round a part.  areas: in pixels, negative for holes.
    """

    corners: np.ndarray
    is_node: np.ndarray
    starts: np.ndarray
    labels: np.ndarray
    parts: np.ndarray
    areas: np.ndarray


def trace(mask: np.ndarray, left_out: Collection[int] = ()) -> Rings:
    """Shapes: mask (H, W) uint8. Args: left_out: labels without rings of their own."""
    width = mask.shape[1]
    identity, after, labels, is_node = _edges(mask, left_out)
    order, starts = _followed(np.searchsorted(identity, after))
    corner, direction = np.divmod(identity[order], 4)
    first = np.zeros(len(order), dtype=bool)
    first[starts[:-1]] = True
    before = np.roll(direction, 1)
    before[starts[:-1]] = direction[starts[1:] - 1]
    rows, columns = np.divmod(corner, width + 1)
    areas = _areas(columns, direction, starts)
    parts = _parts(identity, order, starts, areas, width)
    kept = (direction != before) | is_node[order]
    counts = np.concatenate([[0], np.cumsum(kept)])
    corners = np.stack([columns[kept], rows[kept]], axis=1)
    return Rings(corners, is_node[order][kept], counts[starts], labels[order[starts[:-1]]], parts, areas)


def _edges(mask: np.ndarray, left_out: Collection[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of every directed edge 4 · corner + direction, rising; the same of the edge that follows; its label; whether it begins at
    a node."""
    height = mask.shape[0]
    traced = np.ones(257, dtype=bool)  # the last one stands for the outside
    traced[[*left_out, _OUTSIDE]] = False
    found = [_edges_of_rows(mask, traced, top, min(height + 1, top + _ROWS)) for top in range(0, height + 1, _ROWS)]
    identity, after, label, is_node = (np.concatenate(arrays) for arrays in zip(*found, strict=True))
    return identity, after, label, is_node


def _edges_of_rows(
    mask: np.ndarray, traced: np.ndarray, top: int, bottom: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The same of edges that begin in some rows of corners. Args: traced: (257,) bool, by label."""
    height, width = mask.shape
    near = np.full((bottom - top + 4, width + 5), _OUTSIDE, dtype=np.int16)  # two pixels more on each side
    above, below = max(0, top - 2), min(height, bottom + 2)
    near[above - top + 2 : below - top + 2, 2 : width + 2] = mask[above:below]

    def everywhere(pixel: tuple[int, int]) -> np.ndarray:
        row, column = pixel[0] + 2, pixel[1] + 2
        return near[row : row + bottom - top, column : column + width + 1]

    differs = np.stack([everywhere(_RIGHT[d]) != everywhere(_LEFT[d]) for d in range(4)], axis=-1)
    edges = np.stack(np.nonzero(differs))

    def at(pixels: tuple[tuple[int, int], ...], edges: np.ndarray) -> np.ndarray:
        row, column = np.array(pixels).T[:, edges[2]] + edges[:2] + 2
        return near[row, column]

    edges = edges[:, traced[at(_RIGHT, edges)]]
    label = at(_RIGHT, edges)
    turn = np.where(at(_AHEAD_LEFT, edges) == label, 3, np.where(at(_AHEAD_RIGHT, edges) == label, 0, 1))
    row, column, direction = edges
    down, right = np.array(_STEP).T[:, direction]
    corner = (row + top) * (width + 1) + column
    after = (corner + down * (width + 1) + right) * 4 + (direction + turn) % 4
    of_image = np.isin(row + top, (0, height)) & np.isin(column, (0, width))
    return 4 * corner + direction, after, label, (differs[row, column].sum(axis=1) > 2) | of_image


def _followed(after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The edges ring by ring, each from its uppermost, leftmost corner. Returns: order (n,), starts (rings + 1,)."""
    following, seen = after.tolist(), bytearray(len(after))
    order: list[int] = []
    starts = []
    for first in range(len(following)):
        if seen[first]:
            continue
        starts.append(len(order))
        edge = first
        while not seen[edge]:
            seen[edge] = 1
            order.append(edge)
            edge = following[edge]
    return np.array(order, dtype=np.int64), np.array([*starts, len(order)], dtype=np.int64)


def _areas(columns: np.ndarray, direction: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """∮ x dy, whole pixels."""
    rise = np.where(direction == SOUTH, columns, 0) - np.where(direction == NORTH, columns, 0)
    total = np.concatenate([[0], np.cumsum(rise)])
    return total[starts[1:]] - total[starts[:-1]]


def _parts(identity: np.ndarray, order: np.ndarray, starts: np.ndarray, areas: np.ndarray, width: int) -> np.ndarray:
    """From a hole to the west, until a ring round a part is met.

    West of the leftmost edge of a hole lies a row of pixels of its part; it begins at an edge to the north, of a ring that
    belongs to the same part and reaches farther west.
    """
    n_rings = len(areas)
    ring = np.empty(len(order), dtype=np.int64)
    ring[order] = np.repeat(np.arange(n_rings), np.diff(starts))
    begins = np.flatnonzero(identity % 4 == NORTH)  # each row of pixels of one label has one at its western end
    pixel = identity[begins] // 4 - (width + 1)  # row · (width + 1) + column
    parts = np.arange(n_rings)
    for hole in np.flatnonzero(areas < 0):
        edges = identity[order[starts[hole] : starts[hole + 1]]]
        corner = edges[edges % 4 == SOUTH] // 4
        leftmost = corner[np.argmin(corner % (width + 1))]
        parts[hole] = ring[begins[np.searchsorted(pixel, leftmost - 1, side="right") - 1]]
    while (parts != parts[parts]).any():
        parts = parts[parts]
    return parts
