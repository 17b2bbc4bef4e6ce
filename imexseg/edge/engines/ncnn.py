"""ncnn, with the two files that pnnx makes of a core file: `pnnx FILE.onnx fp16=0`."""

from pathlib import Path

import numpy as np

from imexseg.errors import JobError, UsageError
from imexseg.models.prediction_info import OnnxInfo


class Ncnn:
    """The layers. Raises: UsageError if the files are not beside the core file, or cannot be read."""

    def __init__(self, path: Path, info: OnnxInfo, threads: int):
        import ncnn

        stem = path.with_suffix("")
        self.files = [Path(f"{stem}.ncnn.param"), Path(f"{stem}.ncnn.bin")]
        for file in self.files:
            if not file.is_file():
                raise UsageError(f"{file}: no such file; make it with: pip install pnnx; pnnx {path.name} fp16=0")
        self._mat = ncnn.Mat
        self._net = net = ncnn.Net()
        if threads:
            net.opt.num_threads = threads
        # In its packed layouts a product of matrices takes two hundred times as long on x86.
        net.opt.use_packing_layout = b"MatMul" not in self.files[0].read_bytes()
        net.opt.use_fp16_storage = net.opt.use_fp16_packed = net.opt.use_fp16_arithmetic = False
        if net.load_param(str(self.files[0])) or net.load_model(str(self.files[1])):
            raise UsageError(f"{self.files[0]}: ncnn cannot load it; make it again with: pnnx {path.name} fp16=0")

    def __call__(self, normalised: np.ndarray) -> np.ndarray:
        """Shapes: (1, C, H, W) → (1, num_classes, H, W) float32."""
        extractor = self._net.create_extractor()
        extractor.input("in0", self._mat(np.ascontiguousarray(normalised[0])).clone())
        failed, logits = extractor.extract("out0")
        if failed:
            raise JobError(f"{self.files[0]}: ncnn failed on an image of {normalised.shape[2:]}; see what it printed")
        return np.array(logits)[None]
