"""The whole file: an image as a camera delivers it in, a class map out; between them the network, exported by torch.

Or the layers alone, for runtimes that bring their own first and last steps: a core file.
"""

import contextlib
import copy
import io
import logging
import warnings
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import torch
from torch import Tensor, nn
from torch.export import Dim

from imexseg.errors import UsageError
from imexseg.export.fold import fold, with_fixed_padding
from imexseg.export.half import to_half
from imexseg.export.join import joined
from imexseg.export.metadata import ExportOptions, metadata
from imexseg.export.sample_images import element_type
from imexseg.layers.solve_modes import solved_by
from imexseg.models.contract import ImageNetwork
from imexseg.models.prediction_info import CORE_INPUT, CORE_OUTPUT

OPSET = 18
IR_VERSION = 10
# Sides to trace a file of any size with: not equal, and no multiple of any stride, so that nothing is taken for constant.
_TRACED_SIDES = (69, 91)


class Whole(nn.Module):
    """Image (B, H, W, C) as it is in → classes (B, H, W) uint8, and by name whatever else was asked for."""

    def __init__(self, network: ImageNetwork, options: ExportOptions):
        super().__init__()
        self.network = network
        self.options = options

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        return self.finish(image, self.network.logits(self.prepare(image)))

    def prepare(self, image: Tensor) -> Tensor:
        """Shapes: (B, H, W, C) → what the layers take, (B, C, H', W')."""
        return self.network.prepared(image.permute(0, 3, 1, 2).float())

    def finish(self, image: Tensor, scores: Tensor) -> dict[str, Tensor]:
        """Args: scores: what the layers give, (B, num_classes, H', W')."""
        height, width = image.shape[1:3]
        scores = self.network.finished(scores, (height, width))
        outputs = {"classes": scores.argmax(1).to(torch.uint8)}
        if self.options.probabilities:
            outputs["probabilities"] = scores.softmax(1)
        if self.options.logits:
            outputs["logits"] = scores
        return outputs


class Ends(Whole):
    """All but the layers, which stand between `features` and `scores`."""

    def forward(self, image: Tensor, scores: Tensor) -> dict[str, Tensor]:  # type: ignore[override]
        return {"features": self.prepare(image)} | self.finish(image, scores)


class Layers(nn.Module):
    """Shapes: features (B, C, H', W') → scores (B, num_classes, H', W'). Args: gives: the name of its output."""

    def __init__(self, network: ImageNetwork, gives: str = "scores"):
        super().__init__()
        self.network = network
        self.gives = gives

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        return {self.gives: self.network.logits(features)}


def build(network: ImageNetwork, options: ExportOptions) -> onnx.ModelProto:
    """The model as one protobuf with all weights inside.

    Raises: UsageError for a size below the minimum, or a network that torch cannot export.
    """
    least = network.smallest_exported_side
    if options.size is not None and min(options.size) < least:
        raise UsageError(f"--size {options.size[0]} {options.size[1]}: this network needs at least {least} px a side")
    model = _traced(network, options)
    fold(model)
    _tidy(model, options)
    proto = ir.to_proto(model)
    del proto.graph.value_info[:]  # a runtime infers them
    if options.precision == "fp16":
        proto = to_half(proto)
    onnx.helper.set_model_props(proto, metadata(network, options))
    onnx.checker.check_model(proto)
    return proto


def _traced(network: ImageNetwork, options: ExportOptions) -> ir.Model:
    network = with_fixed_padding(copy.deepcopy(network)).eval()
    with warnings.catch_warnings(), _quiet(), torch.no_grad(), solved_by(network, "matmul"):
        warnings.simplefilter("ignore")
        try:
            if options.core:
                return ir.from_proto(_core(network, options))
            if options.size is not None:
                return ir.from_proto(
                    export_module(Whole(network, options), {"image": _black(network, options.size, 1)})
                )
            return _of_any_size(network, options)
        except torch.onnx.OnnxExporterError as error:
            raise UsageError(_refusal(network, options, error)) from error


def _of_any_size(network: ImageNetwork, options: ExportOptions) -> ir.Model:
    """In two parts. The sides that the layers see are multiples of the stride: were they written as what padding makes of the
    sides of the image, torch would ponder that expression at every layer, for minutes.
    """
    least = network.smallest_exported_side
    ends = Ends(network, options)
    image = _traced_image(network)
    features = ends.prepare(image)
    any_image = {0: Dim.DYNAMIC, 1: Dim.DYNAMIC(min=least), 2: Dim.DYNAMIC(min=least)}
    any_scores = {0: Dim.DYNAMIC, 2: Dim.DYNAMIC, 3: Dim.DYNAMIC}
    inner = export_module(Layers(network), {"features": features}, (_any_features(network),))
    outer = export_module(ends, {"image": image, "scores": network.logits(features)}, (any_image, any_scores))
    return joined(outer, inner)


def _core(network: ImageNetwork, options: ExportOptions) -> onnx.ModelProto:
    """What stands between the ends, for images of the size that the whole file would take."""
    image = _traced_image(network) if options.size is None else _black(network, options.size, 1)
    features = Ends(network, options).prepare(image)
    free = (_any_features(network),) if options.size is None else None
    return export_module(Layers(network, CORE_OUTPUT), {CORE_INPUT: features}, free)


def _any_features(network: ImageNetwork) -> dict[int, Any]:
    stride = network.total_stride
    smallest = -(-network.smallest_side // stride)
    rows, columns = (stride * Dim(name, min=smallest, max=2**14) for name in ("rows", "columns"))
    return {0: Dim.DYNAMIC, 2: rows, 3: columns}


def _traced_image(network: ImageNetwork) -> Tensor:
    sides = tuple(max(side, network.smallest_exported_side) for side in _TRACED_SIDES)
    return _black(network, sides, 2)  # torch takes a batch of 1 for a constant


def _black(network: ImageNetwork, size: tuple[int, ...], batch: int) -> Tensor:
    return torch.from_numpy(np.zeros((batch, *size, network.config.in_channels), element_type(network.info)))


def export_module(
    module: nn.Module, given: dict[str, Tensor], free: tuple[dict[int, Any], ...] | None = None
) -> onnx.ModelProto:
    # Run once: the tables of the solves are kept between calls (numerics/tables.py), and what the exporter traces with
    # instead of tensors must not be what is kept.
    found = module.eval()(*given.values())
    program = torch.onnx.export(
        module,
        tuple(given.values()),
        dynamo=True,
        dynamic_shapes=free,
        input_names=list(given),
        output_names=list(found),
        opset_version=OPSET,
        optimize=False,  # fold.py does, and leaves the symbols of the solves to the runtime
        verbose=False,
    )
    assert program is not None
    return program.model_proto


def _refusal(network: ImageNetwork, options: ExportOptions, error: Exception) -> str:
    reason = " ".join(str(error.__cause__ or error).split())[:200]
    remedy = "give --size H W" if options.size is None else "please report it"
    return f"{network.info.model}: torch cannot export it for images of {options.words} ({reason}); {remedy}"


class _quiet:
    """The exporter's own advice is for whoever writes networks."""

    def __enter__(self) -> None:
        self.before = logging.root.manager.disable
        self.redirected = [contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO())]
        for redirected in self.redirected:
            redirected.__enter__()
        logging.disable(logging.CRITICAL)

    def __exit__(self, *error: Any) -> None:
        logging.disable(self.before)
        for redirected in self.redirected:
            redirected.__exit__(*error)


def _tidy(model: ir.Model, options: ExportOptions) -> None:
    """Names of axes in words; nothing of where in the source a node came from."""
    sides: tuple[Any, ...] = options.size or ("height", "width")
    batch = 1 if options.size else "batch"
    graph = model.graph
    for value in (*graph.inputs, *graph.outputs):
        assert value.shape is not None
        own = list(value.shape)
        if options.core:
            value.shape = ir.Shape([batch, own[1], *(own[2:] if options.size else sides)])
            continue
        channels = [own[-1]] if value.name == "image" else []
        classes = [own[1]] if len(own) == 4 and not channels else []
        value.shape = ir.Shape([batch, *classes, *sides, *channels])
    for node in graph:
        node.metadata_props.clear()
        node.doc_string = None
        for value in node.outputs:
            value.metadata_props.clear()
    graph.name, graph.doc_string = "imexseg", None
    graph.metadata_props.clear()
    model.metadata_props.clear()
    model.producer_name, model.producer_version, model.ir_version = "imexseg", None, IR_VERSION
