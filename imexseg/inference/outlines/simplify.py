"""Outlines with fewer corners, none of them moved.

Neighbours share their boundary, and it is simplified once for both: between two nodes, where more than two boundaries meet, the
same corners stay on either side, so that no gap and no overlap opens between two classes. What is left out lies within the
tolerance of what stays, and the other way round (Ramer 1972; Douglas & Peucker 1973, with distances to segments). A pixel
whose class changes therefore has its centre within the tolerance of a boundary.

Within the tolerance a thin line could vanish. Where a part or a hole would change by more than CHANGED of its own area, the
tolerance of its boundary is halved until it does not.
"""

from dataclasses import replace

import numpy as np

from imexseg.inference.outlines.trace import Rings

CHANGED = 0.25  # of the area of a part or a hole
SMALLEST = 0.3  # pixels: nothing but what is straight is farther from the corners of the grid


def simplified(rings: Rings, tolerance: float) -> Rings:
    """Args: tolerance: in pixels; 0 leaves the rings as they are."""
    if tolerance <= 0 or not len(rings.areas):
        return rings
    points, source, arc_starts, ring_of_arc, twin = _arcs(rings)
    limit = np.full(len(ring_of_arc), float(tolerance))
    while True:
        kept = _kept(points, arc_starts, limit)
        changed = np.bincount(ring_of_arc, _between(points, kept, arc_starts), len(rings.areas))
        suffers = (changed > CHANGED * np.abs(rings.areas))[ring_of_arc] & (limit > 0)
        if not suffers.any():
            break
        less = np.where(limit < 2 * SMALLEST, 0.0, limit / 2)
        limit = np.where(suffers | suffers[twin], less, limit)
    stays = np.zeros(len(rings.corners), dtype=bool)
    stays[source[kept]] = True
    counts = np.concatenate([[0], np.cumsum(stays)])
    return replace(rings, corners=rings.corners[stays], is_node=rings.is_node[stays], starts=counts[rings.starts])


def _arcs(rings: Rings) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The rings cut at their nodes, each piece from end to end in the direction that both of its sides agree on.

    Returns: points (n, 2) of all arcs one after the other, both ends included; where each is among the corners; starts
    (arcs + 1,) of the arcs; the ring of each; the arc on the other side, itself if that has no ring.
    """
    source: list[np.ndarray] = []
    ring_of_arc: list[int] = []
    names: dict[tuple[int, ...], int] = {}
    twin: list[int] = []
    corners = [tuple(corner) for corner in rings.corners.tolist()]
    for ring, (start, end) in enumerate(zip(rings.starts[:-1], rings.starts[1:], strict=True)):
        nodes = np.flatnonzero(rings.is_node[start:end])
        if not len(nodes):  # it begins at its uppermost, leftmost corner, from either side
            nodes = np.array([0])
        for here, there in zip(nodes, [*nodes[1:], nodes[0] + end - start], strict=True):
            arc = start + np.arange(here, there + 1) % (end - start)
            ends = (corners[arc[0]], corners[arc[1]]), (corners[arc[-1]], corners[arc[-2]])
            if ends[1] < ends[0]:
                arc, ends = arc[::-1], ends[::-1]
            number = len(source)
            other = names.setdefault((*ends[0][0], *ends[0][1]), number)
            source.append(arc)
            ring_of_arc.append(ring)
            twin.append(other)
            twin[other] = number
    where = np.concatenate(source)
    starts = np.concatenate([[0], np.cumsum([len(arc) for arc in source])])
    return rings.corners[where], where, starts, np.array(ring_of_arc), np.array(twin)


def _kept(points: np.ndarray, starts: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """Which points stay, of all arcs at once. Shapes: points (n, 2), starts (arcs + 1,), limit (arcs,) → (n,) bool."""
    kept = np.repeat(limit <= 0, np.diff(starts))
    kept[starts[:-1]] = kept[starts[1:] - 1] = True
    a, b = starts[:-1], starts[1:] - 1
    open_ = (b - a > 1) & (limit > 0)
    a, b, limit = a[open_], b[open_], limit[open_]
    while len(a):
        n_inner = b - a - 1
        first = np.concatenate([[0], np.cumsum(n_inner)])
        segment = np.repeat(np.arange(len(a)), n_inner)
        inner = np.arange(first[-1]) - first[segment] + a[segment] + 1
        distance = _distances(points[inner], points[a[segment]], points[b[segment]])
        farthest = np.maximum.reduceat(distance, first[:-1])
        hits = np.flatnonzero(distance == farthest[segment])
        _, which = np.unique(segment[hits], return_index=True)
        at = inner[hits[which]]
        closed = (points[a] == points[b]).all(axis=1)  # a ring: it needs a second corner, however near
        split = (farthest > limit) | closed
        kept[at[split]] = True
        a, at, b, limit = (array[split] for array in (a, at, b, limit))
        a, b, limit = np.concatenate([a, at]), np.concatenate([at, b]), np.concatenate([limit, limit])
        longer = b - a > 1
        a, b, limit = a[longer], b[longer], limit[longer]
    return kept


def _distances(points: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """To the segments from a to b. Shapes: (n, 2) each → (n,), in pixels."""
    along = (b - a).astype(np.float64)
    length = np.maximum((along**2).sum(axis=1), 1)  # squared; corners are whole numbers, so less than 1 is 0
    share = np.clip(((points - a) * along).sum(axis=1) / length, 0, 1)
    return np.hypot(*(points - a - share[:, None] * along).T)


def _between(points: np.ndarray, kept: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Area between each arc and what is kept of it. Shapes: (n, 2), (n,), (arcs + 1,) → (arcs,), in pixels."""
    x, y = points.T.astype(np.float64)
    cross = np.concatenate([[0.0], np.cumsum(x[:-1] * y[1:] - x[1:] * y[:-1])])  # up to each point
    at = np.flatnonzero(kept)
    a, b = at[:-1], at[1:]
    chord = x[b] * y[a] - x[a] * y[b]
    area = np.abs(cross[b] - cross[a] + chord) / 2
    arc = np.searchsorted(starts, a, side="right") - 1
    within = b < starts[arc + 1]
    return np.bincount(arc[within], area[within], len(starts) - 1)
