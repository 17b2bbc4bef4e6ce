"""The moving average of the weights: what it is, what is validated and kept, and that a resumed run has the same one."""

from pathlib import Path

import pytest
import torch
from tiny_runs import parameters, train

from imexseg.models.artefact import load
from imexseg.training.averaging import WeightAverage

WITH_STATISTICS = {"width": 4, "n_steps": 2}


def test_the_average_is_the_sum_of_all_steps_with_decaying_weights():
    torch.manual_seed(0)
    network = torch.nn.BatchNorm2d(3)  # stands in for a network: has weights, statistics and a counter
    average = WeightAverage(network, decay=0.6)  # type: ignore[arg-type]
    average.on_train_start(None, None)  # type: ignore[arg-type]
    expected = {name: tensor.double() for name, tensor in network.state_dict().items()}
    for step in range(1, 30):
        with torch.no_grad():
            for tensor in network.state_dict().values():
                tensor.copy_(torch.rand(tensor.shape) * 10)
        average.on_train_batch_end(type("Trainer", (), {"global_step": step}), None)  # type: ignore[arg-type]
        average.on_train_batch_end(type("Trainer", (), {"global_step": step}), None)  # type: ignore[arg-type]
        decay = min(0.6, step / (step + 9))
        for name, tensor in network.state_dict().items():
            expected[name] = decay * expected[name] + (1 - decay) * tensor.double()
    del expected["num_batches_tracked"]
    assert average.average.keys() == expected.keys()
    for name, tensor in average.average.items():
        torch.testing.assert_close(tensor.double(), expected[name], rtol=1e-5, atol=1e-5)

    own = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with average.in_place():
        torch.testing.assert_close(network.weight.double(), expected["weight"], rtol=1e-5, atol=1e-5)
    assert all(torch.equal(tensor, own[name]) for name, tensor in network.state_dict().items())


def test_the_average_is_what_is_validated_and_kept_and_the_run_itself_goes_on_as_without(
    tmp_path: Path, qtips_folder: Path
):
    alone, _ = train(tmp_path / "alone", qtips_folder, network=WITH_STATISTICS, epochs=1)
    averaged, _ = train(tmp_path / "averaged", qtips_folder, network=WITH_STATISTICS, epochs=1, ema=0.9)
    one, other = parameters(tmp_path / "alone"), parameters(tmp_path / "averaged")
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())
    assert alone.history[0]["train_loss"] == averaged.history[0]["train_loss"]
    assert alone.history[0]["val_loss"] != averaged.history[0]["val_loss"]

    state = torch.load(tmp_path / "averaged" / "last.ckpt", weights_only=True)["callbacks"]["WeightAverage"]
    kept = load(tmp_path / "averaged" / "best.safetensors").state_dict()
    assert state["n_steps"] == 4
    for name, tensor in state["average"].items():
        assert torch.equal(tensor, kept[name])
    assert not torch.equal(kept["classifier.weight"], one["network.classifier.weight"])


@pytest.mark.parametrize("settings", [{}, {"accumulate": 3}])
def test_a_resumed_run_ends_with_the_same_average(tmp_path: Path, qtips_folder: Path, settings: dict):
    whole, _ = train(tmp_path / "whole", qtips_folder, network=WITH_STATISTICS, epochs=2, ema=0.9, **settings)

    class Stop(Exception):
        pass

    def stop_in_the_second(self, trainer, *rest):
        if trainer.current_epoch == 1:
            raise Stop
        update(self, trainer, *rest)

    update = WeightAverage.on_train_batch_end
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WeightAverage, "on_train_batch_end", stop_in_the_second)
        with pytest.raises(Stop):
            train(tmp_path / "cut", qtips_folder, network=WITH_STATISTICS, epochs=2, ema=0.9, **settings)
    resumed, _ = train(
        tmp_path / "cut", qtips_folder, network=WITH_STATISTICS, epochs=2, ema=0.9, resume=True, **settings
    )
    assert resumed.history[1]["val_loss"] == whole.history[1]["val_loss"]
    ends = [load(tmp_path / run / "best.safetensors").state_dict() for run in ("whole", "cut")]
    assert whole.best_epoch == resumed.best_epoch
    assert all(torch.equal(tensor, ends[1][name]) for name, tensor in ends[0].items())
    states = [
        torch.load(tmp_path / run / "last.ckpt", weights_only=True)["callbacks"]["WeightAverage"]
        for run in ("whole", "cut")
    ]
    assert states[0]["n_steps"] == states[1]["n_steps"] > 0
    assert all(torch.equal(tensor, states[1]["average"][name]) for name, tensor in states[0]["average"].items())
