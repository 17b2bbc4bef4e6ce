"""Networks with parts of other libraries, by torch's own exporter. Their solves are matrix products, as in solve.py."""

import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch

from imexseg.errors import UsageError
from imexseg.export.graph import OPSET
from imexseg.export.metadata import ExportOptions, metadata
from imexseg.export.sample_images import element_type
from imexseg.layers.implicit import solved_by
from imexseg.models.contract import ImageNetwork


class _AsCameraGivesIt(torch.nn.Module):
    """Image (1, H, W, C) as it is in, the outputs that were asked for out."""

    def __init__(self, network: ImageNetwork, options: ExportOptions):
        super().__init__()
        self.network = network
        self.options = options

    def forward(self, image: torch.Tensor):
        scores = self.network(image.permute(0, 3, 1, 2).float())
        outputs = [scores.argmax(1).to(torch.uint8)]
        if self.options.probabilities:
            outputs.append(scores.softmax(1))
        if self.options.logits:
            outputs.append(scores)
        return tuple(outputs)


def build_peer(network: ImageNetwork, options: ExportOptions) -> onnx.ModelProto:
    """The model with all weights inside. Raises: UsageError for half precision."""
    if options.precision == "fp16":
        raise UsageError(
            f"--precision fp16: {network.info.model} is exported in fp32 or int8; it is there to compare with"
        )
    assert options.size is not None
    image = torch.from_numpy(np.zeros((1, *options.size, network.config.in_channels), element_type(network.info)))
    names = ["classes", *(["probabilities"] if options.probabilities else []), *(["logits"] if options.logits else [])]
    with warnings.catch_warnings(), torch.no_grad(), solved_by(network, "matmul"):
        warnings.simplefilter("ignore")
        adapted = _AsCameraGivesIt(network.eval(), options).eval()
        # Run once: the tables of the solves are kept between calls (numerics/tables.py), and what the exporter traces with
        # instead of tensors must not be what is kept.
        adapted(image)
        program = torch.onnx.export(
            adapted,
            (image,),
            dynamo=True,
            verbose=False,
            input_names=["image"],
            output_names=names,
            opset_version=OPSET,
        )
    assert program is not None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "peer.onnx"
        program.save(path)
        model = onnx.load(path)
    model.producer_name = "imexseg"
    onnx.helper.set_model_props(model, metadata(network, options))
    return model
