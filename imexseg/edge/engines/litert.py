"""LiteRT, with the file that docs/runtimes.md makes beside a core file. As all of TensorFlow it wants the channels last."""

from pathlib import Path

import numpy as np

from imexseg.errors import UsageError
from imexseg.models.prediction_info import OnnxInfo


class LiteRT:
    """The layers. Raises: UsageError if the file is not beside the core file, cannot be read, or is of another kind."""

    def __init__(self, path: Path, info: OnnxInfo, threads: int):
        from ai_edge_litert.interpreter import Interpreter

        stem = path.with_suffix("")
        candidates = [Path(f"{stem}.tflite"), Path(f"{stem}_float32.tflite")]
        file = next((file for file in candidates if file.is_file()), None)
        if file is None:
            raise UsageError(
                f"{candidates[0]}: no such file, nor {candidates[1].name}; docs/runtimes.md says how to make it"
            )
        self.files = [file]
        try:
            self._interpreter = Interpreter(str(file), num_threads=threads or None)
            self._interpreter.allocate_tensors()
            (given,), (found,) = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        except (ValueError, RuntimeError) as error:
            raise UsageError(f"{file}: LiteRT cannot load it ({' '.join(str(error).split())[:200]})") from None
        if given["dtype"] != np.float32 or found["dtype"] != np.float32:
            kind = np.dtype(given["dtype"])
            raise UsageError(f"{file}: takes {kind}, not float32; convert the core file without quantising its input")
        self._given, self._found = given["index"], found["index"]

    def __call__(self, normalised: np.ndarray) -> np.ndarray:
        """Shapes: (1, C, H, W) → (1, num_classes, H, W) float32."""
        self._interpreter.set_tensor(self._given, np.ascontiguousarray(normalised.transpose(0, 2, 3, 1)))
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._found).transpose(0, 3, 1, 2)
