"""One .safetensors file that holds everything a network needs: weights, settings, classes, colours, history."""

import json
from pathlib import Path

from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from imexseg.errors import UsageError
from imexseg.files import write_atomically
from imexseg.models.build import build_network, read_config
from imexseg.models.contract import ImageNetwork
from imexseg.models.info import ModelInfo
from imexseg.settings import explain_validation

METADATA_KEY = "imexseg"


def save_weights(path: Path, network: ImageNetwork, info: ModelInfo) -> None:
    """Write weights and info as one file, whole or not at all. Raises: JobError if it cannot be written."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    write_atomically(path, save(tensors, metadata={METADATA_KEY: info.model_dump_json()}))


def load(path: str | Path) -> ImageNetwork:
    """Rebuild a trained network from its file alone, in evaluation mode on the CPU; its ModelInfo is `network.info`.

    Nothing is unpickled or executed: the file is JSON and raw numbers.
    Raises: UsageError naming the file and the remedy if it is missing, truncated, of another kind or inconsistent.
    """
    path = Path(path)
    if not path.is_file():
        raise UsageError(f"{path}: no such weights file; give the best.safetensors of a run")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"{path}: is not a readable .safetensors file, or it is truncated ({reason})") from None
    if METADATA_KEY not in metadata:
        raise UsageError(f"{path}: has no imexseg metadata; give a best.safetensors that `imexseg train` wrote")
    info = _read_info(path, metadata[METADATA_KEY])
    network = build_network(info.network)
    expected = {name: tensor.shape for name, tensor in network.state_dict().items()}
    found = {name: tensor.shape for name, tensor in tensors.items()}
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            shapes = [tuple(shape) if shape is not None else "none" for shape in (expected.get(name), found.get(name))]
            raise UsageError(f"{path}: tensor {name} should have shape {shapes[0]}, found {shapes[1]}; damaged file?")
    network.load_state_dict(tensors)
    network.info = info
    return network.eval()


def _read_info(path: Path, text: str) -> ModelInfo:
    try:
        content = json.loads(text)
        if isinstance(content, dict) and content.get("format") != 1:
            raise UsageError(f"{path}: written by a newer imexseg (format {content.get('format')}); upgrade imexseg")
        if isinstance(content, dict) and "network" in content:
            content["network"] = read_config(content["network"])
        return ModelInfo.model_validate(content)
    except json.JSONDecodeError as error:
        raise UsageError(f"{path}: its imexseg metadata is not valid JSON ({error})") from None
    except ValidationError as error:
        raise UsageError(f"{path}: its imexseg metadata does not fit: {explain_validation(error, ModelInfo)}") from None
