"""Scaling to the longer side in ONNX, as numerics/scaling.py: inside the file, so that every runtime does it alike."""

from imexseg.export.graph import Graph
from imexseg.numerics.scaling import seen_size

Size = tuple[int, int]


def scale_image(g: Graph, X: str, size: Size | None, long_side: int, least: int) -> tuple[str, str | None, Size | None]:
    """Shapes: X (B, C, H, W), float32 → (B, C, h, w).

    Args: size: H and W if they are fixed.
    Returns: the result; H and W to scale back to, None if that is not needed; h and w if they are fixed.
    """
    if size is None:
        whole = _sides(g, X)
        return _resize(g, X, _seen(g, whole, long_side, least), antialias=1, exclude_outside=1), whole, None
    seen = seen_size(*size, long_side, least)
    if seen == size:
        return X, None, seen
    return _resize(g, X, g.integers(*seen), antialias=1, exclude_outside=1), g.integers(*size), seen


def scale_back(g: Graph, scores: str, whole: str) -> str:
    """Shapes: (B, num_classes, h, w) → (B, num_classes, H, W). Args: whole: H and W."""
    return _resize(g, scores, whole)


def _sides(g: Graph, X: str) -> str:
    return g.node("Slice", g.node("Shape", X), g.integers(2), g.integers(4), g.integers(0))


def _seen(g: Graph, whole: str, long_side: int, least: int) -> str:
    """models.scaling.seen_size, in the same integers."""
    longer = g.node("ReduceMax", whole, g.integers(0), keepdims=1)
    halves = g.node("Add", g.node("Mul", whole, g.integers(2 * long_side)), longer)
    return g.node("Max", g.node("Div", halves, g.node("Mul", longer, g.integers(2))), g.integers(least))


def _resize(g: Graph, X: str, sides: str, **settings: int) -> str:
    shape = g.node("Concat", _front(g, X), sides, axis=0)
    return g.node("Resize", X, "", "", shape, mode="linear", coordinate_transformation_mode="half_pixel", **settings)


def _front(g: Graph, X: str) -> str:
    return g.node("Slice", g.node("Shape", X), g.integers(0), g.integers(2), g.integers(0))
