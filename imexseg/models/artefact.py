"""One .safetensors file that holds everything a network needs: weights, settings, classes, colours, history."""

import json
import math
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from imexseg.errors import JobError, UsageError
from imexseg.files import write_atomically
from imexseg.models.budget import NumbersAtMost, TooManyNumbers
from imexseg.models.build import build_network, config_kinds
from imexseg.models.checksum import UNSEALED, checked_seal, sealed
from imexseg.models.config import ImageConfig
from imexseg.models.contract import ImageNetwork
from imexseg.models.info import ModelInfo
from imexseg.models.prediction_info import METADATA_KEY, does_not_fit, read_mapping, validated
from imexseg.settings import explain_validation

_DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64}


def save_weights(path: Path, network: ImageNetwork, info: ModelInfo) -> None:
    """Write weights and info as one file, whole or not at all.

    Raises: JobError if it cannot be written, or if a weight is not finite: a mask of such a network means nothing.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    if name := not_finite(tensors):
        raise JobError(f"{path}: not written, because the weights {name} hold NaN or infinite values")
    facts = json.dumps(info.model_dump(mode="json") | {"checksum": UNSEALED}, ensure_ascii=False)
    write_atomically(path, sealed(save(tensors, metadata={METADATA_KEY: facts})))


def load(path: str | Path) -> ImageNetwork:
    """Rebuild a trained network from its file alone, in evaluation mode on the CPU; its ModelInfo is `network.info`.

    Nothing is unpickled or executed: the file is JSON and raw numbers. No more memory is taken than the file has numbers for.
    Raises: UsageError naming the file and the remedy if it is missing, truncated, damaged, of another kind or a newer version.
    """
    path = Path(path)
    if not path.is_file():
        raise UsageError(f"{path}: no such weights file; give the best.safetensors of a run")
    try:
        with safe_open(path, framework="pt") as file:
            info = _read_info(path, (file.metadata() or {}).get(METADATA_KEY), len(file.keys()))
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
            found = {name: (tuple(piece.get_shape()), piece.get_dtype()) for name, piece in slices.items()}
            network = _with_shapes(path, info.network, found)
            tensors = {name: file.get_tensor(name) for name in found}
    except (SafetensorError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"{path}: is not a readable .safetensors file, or it is truncated ({reason[:200]})") from None
    if name := not_finite(tensors):
        raise UsageError(f"{path}: tensor {name} holds NaN or infinite values; take the weights of an earlier run")
    network.load_state_dict(tensors)
    network.info = info
    return network.eval()


def not_finite(tensors: dict[str, Tensor]) -> str | None:
    """The name of a tensor with NaN or infinite values, if there is one."""
    return next((name for name, tensor in tensors.items() if not bool(torch.isfinite(tensor).all())), None)


def _read_info(path: Path, text: str | None, n_tensors: int) -> ModelInfo:
    seal = checked_seal(path)
    if text is None:
        raise UsageError(f"{path}: has no imexseg metadata; give a best.safetensors that `imexseg train` wrote")
    content = read_mapping(path, text, seal)
    if isinstance(content.get("network"), dict):
        content["network"] = _read_network(path, content, n_tensors)
    return validated(path, content, ModelInfo)


def _read_network(path: Path, content: dict[str, Any], n_tensors: int) -> ImageConfig:
    """Of the kinds of networks, the one that the settings fit; else what is wrong in the eyes of the nearest kind."""
    settings: dict[str, Any] = content["network"]
    # Each step has tensors of its own; a file that claims a million steps would take minutes even to be refused.
    for name in ("n_steps", "refine_steps", "width"):
        value = settings.get(name)
        steps = value if isinstance(value, list) else [value]
        if len(steps) > n_tensors or (name != "width" and any(isinstance(n, int) and n > n_tensors for n in steps)):
            raise UsageError(
                f"{path}: network.{name} asks for more steps than its {n_tensors} tensors can supply; it is damaged"
            )
    reasons: list[tuple[int, str]] = []
    for kind in config_kinds(str(content.get("model"))):
        try:
            return kind.model_validate(settings)
        except ValidationError as error:
            reasons.append((error.error_count(), explain_validation(error, kind)))
    raise does_not_fit(path, content, f"network: {min(reasons)[1]}")


def _with_shapes(path: Path, config: ImageConfig, found: dict[str, tuple[tuple[int, ...], str]]) -> ImageNetwork:
    """The network, if the file holds its tensors. Raises: UsageError before more memory is taken than the file has use for."""
    n_numbers = sum(math.prod(shape) for shape, _ in found.values())
    try:
        with NumbersAtMost(n_numbers):
            network = build_network(config)
    except TooManyNumbers:
        raise UsageError(
            f"{path}: describes a larger network than its {n_numbers} numbers could fill; damaged file?"
        ) from None
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
    expected = {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in network.state_dict().items()}
    for name in sorted(expected.keys() | found.keys()):
        shape, dtype = expected.get(name, ("none", None))
        found_shape, code = found.get(name, ("none", ""))
        if shape != found_shape:
            raise UsageError(f"{path}: tensor {name} should have shape {shape}, found {found_shape}; damaged file?")
        if _DTYPES.get(code) != dtype:
            raise UsageError(f"{path}: tensor {name} should hold {dtype}, found {code}; damaged file?")
    return network
