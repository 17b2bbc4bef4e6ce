"""Reads a core file and its sidecar without imexseg: python examples/core_file.py best.core.onnx photo.png mask.png"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

path, photo, mask = map(Path, sys.argv[1:4])
info = json.loads(Path(f"{path}.json").read_text())
assert info["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest(), "the sidecar belongs to another file"
core, bilinear = info["core"], Image.Resampling.BILINEAR

image = Image.open(photo).convert("L" if info["in_channels"] == 1 else "RGB")
width, height = image.size
scale = info["long_side"] / max(image.size) if info["long_side"] else 1
seen = image.resize([max(core["smallest_side"], int(side * scale + 0.5)) for side in image.size], bilinear)
pixels = np.asarray(seen, np.float32).reshape(seen.height, seen.width, -1)
normalised = (pixels - np.float32(core["mean"])) / np.float32(core["std"])
padding = [
    (0, -side % core["stride"]) for side in normalised.shape[:2]
]  # a file of fixed size takes core["input_size"]
given = np.pad(normalised, [*padding, (0, 0)], mode="edge").transpose(2, 0, 1)[None]

(logits,) = onnxruntime.InferenceSession(str(path)).run(["logits"], {"normalised": given})
scores = [
    np.asarray(Image.fromarray(layer).resize((width, height), bilinear))
    for layer in logits[0, :, : seen.height, : seen.width]
]
classes = Image.fromarray(np.argmax(scores, axis=0).astype(np.uint8))
classes.putpalette([value for colour in info["palette"] for value in colour])
classes.save(mask)
print(f"{mask}: {', '.join(info['names'][k] for k in np.unique(classes))}")
