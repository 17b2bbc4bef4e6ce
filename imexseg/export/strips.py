"""Files for images of any size whose network sees them at one scale: what is as large as the image itself passes through in
strips of rows, so that it is never a float as a whole.

A photograph of 12 megapixels is 144 MB as three channels of floats, and the scores of ten classes are 480 MB, of which only the
largest counts.
"""

import onnx
from onnx import inliner, parser

from imexseg.export.compact import remove_unused

STRIP = 1 << 18  # pixels of the image that are floats at once
_DOMAIN = "imexseg.strips"  # of the functions below, until they are inlined
_HEADER = f'<domain: "{_DOMAIN}", opset_import: ["" : 18]>'

# Sides in pixels ↦ rows of a strip, how many strips there are, and of each strip (n, rows) the rows of the image. The last row
# is repeated where the last strip reaches beyond the image.
_ROWS = f"""
    zero = Constant <value = int64[1] {{0}}> ()
    one = Constant <value = int64[1] {{1}}> ()
    pixels = Constant <value = int64[1] {{{STRIP}}}> ()
    fitting = Div (pixels, width)
    some = Max (fitting, one)
    rows = Min (some, height)
    last = Sub (height, one)
    before = Add (last, rows)
    n = Div (before, rows)
    padded = Mul (n, rows)
    first_row = Squeeze (zero)
    step = Squeeze (one)
    end = Squeeze (padded)
    counted = Range (first_row, end, step)
    inside = Min (counted, last)
    by_strip = Concat <axis = 0> (n, rows)
    rows_of = Reshape (inside, by_strip)
    trips = Squeeze (n)
    go = Constant <value = bool {{1}}> ()
"""

# The image, rows of pixels of any type, made narrower; each strip by itself. Then its columns are made shorter at once.
# Scaling is one map of rows and one of columns: the result is that of both together.
_SCALED = f"""
{_HEADER}
scaled (image, sides) => (small)
{{
    height = Shape <start = 1, end = 2> (image)
    width = Shape <start = 2, end = 3> (image)
    batch, channels, low, narrow = Split <axis = 0, num_outputs = 4> (sides)
    {_ROWS}
    of_a_strip = Concat <axis = 0> (batch, channels, rows, narrow)
    strips = Loop (trips, go) <body = one_strip (int64 i, bool going) => (bool goes_on, float[B, C, R, w] strip) {{
        goes_on = Identity (going)
        which = Gather <axis = 0> (rows_of, i)
        stored = Gather <axis = 1> (image, which)
        numbers = Cast <to = 1> (stored)
        planes = Transpose <perm = [0, 3, 1, 2]> (numbers)
        strip = Resize <mode = "linear", antialias = 1, exclude_outside = 1> (planes, , , of_a_strip)
    }}>
    side_by_side = Transpose <perm = [1, 2, 0, 3, 4]> (strips)
    tall = Concat <axis = 0> (batch, channels, padded, narrow)
    joined = Reshape (side_by_side, tall)
    axis = Constant <value = int64[1] {{2}}> ()
    whole = Slice (joined, zero, height, axis)
    small = Resize <mode = "linear", antialias = 1, exclude_outside = 1> (whole, , , sides)
}}"""

# Of scores, scaled to the sides of the image, the number of the largest. A row of the image is a mean of two rows of scores.
# Max, of one tensor, is that tensor: onnxruntime 1.32 aborts where int8 meets a Loop without any operation between them.
_CLASSES = f"""
{_HEADER}
classes (scores, sides) => (classes)
{{
    batch, numbers, height, width = Split <axis = 0, num_outputs = 4> (sides)
    {_ROWS}
    own = Max (scores)
    n_scores = Shape <start = 2, end = 3> (scores)
    bottom = Sub (n_scores, one)
    half = Constant <value = float {{0.5}}> ()
    top = Constant <value = float {{0.0}}> ()
    high = Cast <to = 1> (n_scores)
    high_image = Cast <to = 1> (height)
    scale = Div (high, high_image)
    row = Cast <to = 1> (rows_of)
    middle = Add (row, half)
    middle_in_scores = Mul (middle, scale)
    anywhere = Sub (middle_in_scores, half)
    limit = Cast <to = 1> (bottom)
    not_above = Max (anywhere, top)
    place = Min (not_above, limit)
    whole_rows = Floor (place)
    shares = Sub (place, whole_rows)
    uppers = Cast <to = 7> (whole_rows)
    next = Add (uppers, one)
    lowers = Min (next, bottom)
    column = Concat <axis = 0> (rows, one)
    of_a_strip = Concat <axis = 0> (batch, numbers, rows, width)
    unit = Constant <value = float {{1.0}}> ()
    strips = Loop (trips, go) <body = one_strip (int64 i, bool going) => (bool goes_on, uint8[B, R, W] strip) {{
        goes_on = Identity (going)
        upper = Gather <axis = 0> (uppers, i)
        lower = Gather <axis = 0> (lowers, i)
        share = Gather <axis = 0> (shares, i)
        of_lower = Reshape (share, column)
        of_upper = Sub (unit, of_lower)
        above = Gather <axis = 2> (own, upper)
        below = Gather <axis = 2> (own, lower)
        from_above = Mul (above, of_upper)
        from_below = Mul (below, of_lower)
        mean = Add (from_above, from_below)
        wide = Resize <mode = "linear"> (mean, , , of_a_strip)
        number = ArgMax <axis = 1, keepdims = 0> (wide)
        strip = Cast <to = 2> (number)
    }}>
    side_by_side = Transpose <perm = [1, 0, 2, 3]> (strips)
    tall = Concat <axis = 0> (batch, padded, width)
    joined = Reshape (side_by_side, tall)
    classes = Slice (joined, zero, height, one)
}}"""


def in_strips(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same file, which takes less memory where it scales images and gives classes alone; the input itself where it does not,
    or where its images are of one size that is no larger than a strip.

    Properties: the same classes, but where two scores are equal up to rounding.
    """
    graph = model.graph
    sides = [side.dim_value for side in graph.input[0].type.tensor_type.shape.dim[1:3]]
    if all(sides) and sides[0] * sides[1] <= STRIP:
        return model
    made_by = {name: node for node in graph.node for name in node.output}
    found = [call for call in (_scaling_down(graph, made_by), _answer(graph, made_by)) if call is not None]
    if not found:
        return model
    result = onnx.ModelProto()
    result.CopyFrom(model)
    for call in found:
        at = next(i for i, node in enumerate(result.graph.node) if call.output[0] in node.output)
        result.graph.node[at].CopyFrom(call)
    remove_unused(result.graph)
    result.functions.extend(parser.parse_function(text) for text in (_SCALED, _CLASSES))
    result.opset_import.append(onnx.helper.make_opsetid(_DOMAIN, 1))
    result = inliner.inline_local_functions(result)
    result.opset_import.pop()
    return result


def _scaling_down(graph: onnx.GraphProto, made_by: dict[str, onnx.NodeProto]) -> onnx.NodeProto | None:
    """What takes the place of the operation that brings the image to the network's scale; None if there is none."""
    for node in graph.node:
        if node.op_type != "Resize" or not _setting(node, "antialias", 0) or len(node.input) < 4:
            continue
        source = node.input[0]
        while source in made_by and made_by[source].op_type in ("Cast", "Transpose"):
            source = made_by[source].input[0]
        if source == graph.input[0].name:
            return onnx.helper.make_node("scaled", [source, node.input[3]], list(node.output), domain=_DOMAIN)
    return None


def _answer(graph: onnx.GraphProto, made_by: dict[str, onnx.NodeProto]) -> onnx.NodeProto | None:
    """What takes the place of the operations from scores at the network's scale to classes; None if they are used otherwise."""
    chain = [made_by["classes"]]
    for operator in ("ArgMax", "Resize"):
        chain.append(made_by.get(chain[-1].input[0], onnx.NodeProto()))
        users = sum(chain[-1].output[:1] == [name] for node in graph.node for name in node.input)
        if chain[-1].op_type != operator or users > 1:
            return None
    scaling = chain[-1]
    if len(scaling.input) < 4 or any(scaling.output[0] == value.name for value in graph.output):
        return None
    return onnx.helper.make_node("classes", [scaling.input[0], scaling.input[3]], ["classes"], domain=_DOMAIN)


def _setting(node: onnx.NodeProto, name: str, default: int) -> int:
    return next((attribute.i for attribute in node.attribute if attribute.name == name), default)
