"""Peak memory of `imexseg predict --tile` on a large image: python benchmarks/tiled_memory.py [SIDE] [TILE] [SUFFIX].

Writes a grey image of SIDE x SIDE pixels (.tif: tiled and compressed; .png), segments it in a process of its own with weights
of a coarse network (memory does not depend on how long the steps take) and prints what the process had resident at most.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import tifffile

from imexseg.data.description.palette import default_palette
from imexseg.models.artefact import save_weights
from imexseg.models.info import ModelInfo
from imexseg.models.network import SegmentationNetwork
from imexseg.models.registry import network_config

NAMES = ["background", "a", "b", "c"]


def write_image(path: Path, side: int) -> None:
    """A pattern with structure at every scale up to 512 pixels."""
    noise = np.random.default_rng(0).integers(0, 256, (512, 512)).astype(np.uint8)
    pattern = cv2.GaussianBlur(noise, (0, 0), 5)
    image = np.tile(pattern, (side // 512 + 1, side // 512 + 1))[:side, :side]
    if path.suffix == ".tif":
        tifffile.imwrite(path, image, tile=(256, 256), compression="zlib")
    else:
        cv2.imwrite(str(path), image, [cv2.IMWRITE_PNG_COMPRESSION, 1])


def write_weights(path: Path) -> None:
    """An untrained network: what it says does not matter here."""
    settings = network_config("imex-lean", stride=8, n_steps=2, num_classes=len(NAMES))
    info = ModelInfo(
        model="imex-lean",
        network=settings,
        names=NAMES,
        palette=default_palette(len(NAMES)),
        full_scale=255,
        data={},
        metrics={},
        training={},
        version="benchmark",
    )
    save_weights(path, SegmentationNetwork(settings), info)


def main() -> None:
    side, tile, suffix = sys.argv[1:] + ["20000", "1024", ".tif"][len(sys.argv) - 1 :]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_image(folder / f"large{suffix}", int(side))
        write_weights(folder / "w.safetensors")
        started = time.monotonic()
        command = ["predict", folder / f"large{suffix}", "--weights", folder / "w.safetensors", "--tile", tile]
        subprocess.run([sys.executable, "-m", "imexseg", *map(str, command), "--output", folder / "out"], check=True)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"{side} x {side} px {suffix}, tile {tile}: {peak:.0f} MiB at most, {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
