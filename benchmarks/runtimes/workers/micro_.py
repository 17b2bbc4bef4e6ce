"""tflite-micro's interpreter on this machine: python micro_.py NETWORK.tflite TEST.npz prints one line of JSON.

TEST.npz: given (N, C, H, W) float32, normalised.  Written beside it: the classes, as .npy.
"""

import json
import sys
from pathlib import Path

import numpy as np
from tflite_micro.python.tflite_micro import runtime

PRECISE = 512  # bytes


def smallest_arena(path: Path) -> int:
    """Bytes with which the interpreter can just about be set up."""
    low, high = 0, 1 << 23
    runtime.Interpreter.from_file(str(path), arena_size=high)
    while high - low > PRECISE:
        middle = (low + high) // 2
        try:
            runtime.Interpreter.from_file(str(path), arena_size=middle)
            high = middle
        except RuntimeError:
            low = middle
    return high


def main() -> None:
    path, test = Path(sys.argv[1]), Path(sys.argv[2])
    arena = smallest_arena(path)
    interpreter = runtime.Interpreter.from_file(str(path), arena_size=arena)
    details = interpreter.get_input_details(0)
    scale = details["quantization_parameters"]["scales"][0]
    zero = details["quantization_parameters"]["zero_points"][0]
    classes = []
    for image in np.load(test)["given"]:
        quantised = np.clip(np.round(image.transpose(1, 2, 0) / scale + zero), -128, 127)
        interpreter.set_input(quantised.astype(np.int8)[None], 0)
        interpreter.invoke()
        classes.append(interpreter.get_output(0)[0].argmax(-1).astype(np.uint8))
    np.save(test.with_suffix(".npy"), np.stack(classes))
    print(json.dumps({"arena_bytes": arena, "file_bytes": path.stat().st_size}))


main()
