"""Precision, accumulation and several devices: the same training, or a refusal that says why."""

import os
import socket
from pathlib import Path

import pytest
import torch
from processes import Running
from tiny_runs import TINY, parameters, train

import imexseg
from imexseg.errors import UsageError
from imexseg.training.config import RunConfig, dump, resolve
from imexseg.training.device import check_devices

KINDS = ("imex-lean", "hamiltonian-lean", "second-order-imex-lean")


@pytest.mark.parametrize("model", KINDS)
def test_two_batches_of_four_are_one_of_eight(model: str, qtips_folder: Path, tmp_path: Path):
    """Without batch statistics, and with equal class weights: those are divided by in every batch for itself."""
    same = {"model": model, "class_weights": "none", "learning_rate": 1e-3, "epochs": 2}
    train(tmp_path / "one", qtips_folder, batch_size=8, **same)
    train(tmp_path / "two", qtips_folder, batch_size=4, accumulate=2, **same)
    train(tmp_path / "other", qtips_folder, batch_size=4, **same)
    one, two, other = (parameters(tmp_path / name) for name in ("one", "two", "other"))
    assert all(torch.allclose(one[name], two[name], rtol=1e-3, atol=1e-5) for name in one)
    assert not all(torch.allclose(one[name], other[name], rtol=1e-3, atol=1e-5) for name in one)


def test_the_cycle_is_counted_in_steps_of_the_optimiser(qtips_folder: Path, tmp_path: Path):
    """16 images in batches of 2, three of which make a step: ⌈8/3⌉ steps an epoch, and the last ends the cycle."""
    train(tmp_path / "run", qtips_folder, batch_size=2, accumulate=3, epochs=2)
    state = torch.load(tmp_path / "run/last.ckpt", weights_only=True)
    assert state["global_step"] == 6
    assert state["lr_schedulers"][0]["last_epoch"] == state["lr_schedulers"][0]["total_steps"] == 6


@pytest.mark.parametrize("model", KINDS)
def test_bfloat16_trains(model: str, qtips_folder: Path, tmp_path: Path):
    network = TINY | {"norm": "batch"}
    trained, _ = train(tmp_path / "run", qtips_folder, model=model, precision="bf16-mixed", network=network)
    train(tmp_path / "exact", qtips_folder, model=model, network=network)
    half, exact = parameters(tmp_path / "run"), parameters(tmp_path / "exact")
    assert trained.history[0]["train_loss"] < 2
    assert all(torch.isfinite(tensor).all() and tensor.dtype == exact[name].dtype for name, tensor in half.items())
    assert not all(torch.equal(half[name], exact[name]) for name in half)
    assert imexseg.load(tmp_path / "run/best.safetensors").info.training["precision"] == "bf16-mixed"


def test_float16_needs_a_gpu():
    config = RunConfig(precision="16-mixed", accelerator="cpu")
    with pytest.raises(UsageError, match=r"--precision 16-mixed: needs a CUDA GPU.* on cpu; use bf16-mixed"):
        check_devices(config)
    check_devices(config.model_copy(update={"precision": "bf16-mixed"}))


def test_a_wrong_precision_is_explained():
    with pytest.raises(UsageError, match="precision: Input should be '32', '16-mixed' or 'bf16-mixed', got '8'"):
        resolve(None, {"precision": "8"})


def test_precision_may_be_a_number_in_yaml(tmp_path: Path):
    (tmp_path / "c.yaml").write_text("precision: 32\n")
    config = resolve(tmp_path / "c.yaml", {})
    (tmp_path / "c.yaml").write_text(dump(config))
    assert resolve(tmp_path / "c.yaml", {}) == config


def test_the_batch_is_shared_by_all_devices_of_all_nodes():
    with pytest.raises(UsageError, match="batch size 6 cannot be shared by 4 devices; use a multiple of 4"):
        resolve(None, {"batch_size": 6, "devices": 2, "num_nodes": 2})


def test_processes_that_torchrun_counts_otherwise_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(UsageError, match="--devices 2 --num-nodes 1: is 2 processes, but 4 were started"):
        check_devices(RunConfig(devices=2))
    check_devices(RunConfig(devices=2, num_nodes=2))


def test_two_processes_train_a_reversible_network_as_one_does(qtips_folder: Path, tmp_path: Path):
    """Two machines of one device each, both of them this one: what --devices 2 starts, and the way between machines."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = tmp_path / "settings.yaml"
    settings.write_text(
        f"network: {TINY}\nclass_weights: none\nlearning_rate: 1.0e-3\nepochs: 1\nbatch_size: 4\naccelerator: cpu\n"
    )
    output = tmp_path / "two"
    command = ["train", qtips_folder, "--model", "hamiltonian-lean", "--config", settings, "--num-nodes", 2]
    shared = os.environ | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    nodes = [Running(*command, "--output", output, env=shared | {"NODE_RANK": str(rank)}) for rank in range(2)]
    for node in nodes:
        _, errors = node.communicate(timeout=240)
        assert node.returncode == 0, errors
    train(tmp_path / "one", qtips_folder, model="hamiltonian-lean", class_weights="none", learning_rate=1e-3)
    one, two = parameters(tmp_path / "one"), parameters(output)
    assert all(torch.allclose(one[name], two[name], rtol=1e-3, atol=1e-5) for name in one)
    assert (output / "report.html").exists()
