"""Counting the memory of an exported network. Apart from the predictor, since few images need it."""

import json
from pathlib import Path

import numpy as np
import onnxruntime

from imexseg.inference.core import CoreSession
from imexseg.inference.footprint import Footprint, counted
from imexseg.models.prediction_info import OnnxInfo
from imexseg.storage.scratch import scratch_folder

SLACK = 2.0  # onnxruntime asks for memory in pieces of which each is twice the one before
NOT_TOLD = 3  # times the inputs and outputs of one operation, where a release does not say what is in use


def footprint(path: Path, info: OnnxInfo, dtype: np.dtype) -> Footprint:
    """Of the file that the metadata are of."""
    with scratch_folder() as scratch:

        def most(height: int, width: int) -> int:
            image = np.zeros((1, height, width, info.in_channels), dtype)
            return _most_bytes(path, info, image, scratch / f"{height}x{width}")

        if info.size is not None:
            return Footprint(SLACK * most(*info.size), 0)
        return counted(lambda side: most(side, side), info.long_side, SLACK)


def _most_bytes(path: Path, info: OnnxInfo, image: np.ndarray, prefix: Path) -> int:
    """In use at once, as onnxruntime itself keeps the account of it."""
    options = onnxruntime.SessionOptions()
    options.enable_profiling = True
    options.profile_file_prefix = str(prefix)
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    options.enable_mem_pattern = False
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    if info.core is None:
        session.run(None, {"image": image})
    else:
        CoreSession(path, session, info).run(["probabilities"], {"image": image})
    events = json.loads(Path(session.end_profiling()).read_text())
    nodes = [event["args"] for event in events if event.get("cat") == "Node"]
    told = [int(node["mem_in_use_peak"]) for node in nodes if "mem_in_use_peak" in node]
    if told:
        return max(told)
    sizes = [int(node.get("activation_size", 0)) + int(node.get("output_size", 0)) for node in nodes]
    return NOT_TOLD * max(sizes, default=0)
