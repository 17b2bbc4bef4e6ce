"""The example in one file: its equation, and that its training learns."""

import sys
from pathlib import Path

import torch
import torch.nn.functional as F

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))

import minimal  # noqa: E402 (examples are not installed)


def test_the_step_solves_the_implicit_equation_as_the_paper_has_it():
    """(I + hL) Y⁺ = Y + hLY + h f(Y), with L by differences instead of a transform."""
    torch.manual_seed(0)
    step = minimal.ImexStep(channels=3, h=0.7, implicit=True).double().eval()
    Y = torch.randn(1, 3, 9, 12, dtype=torch.float64)
    alpha = step.solve.log_alpha.exp()[:, None, None]

    def L(X: torch.Tensor) -> torch.Tensor:
        return alpha * (4 * X - sum(X.roll(shift, axis) for axis in (-2, -1) for shift in (-1, 1)))

    with torch.no_grad():
        Y_next = step(Y)
        torch.testing.assert_close(Y_next + 0.7 * L(Y_next), Y + 0.7 * L(Y) + 0.7 * step.f(Y))


def test_training_lowers_the_loss():
    torch.manual_seed(0)
    images, masks = minimal.load_images("train", 16)
    network = minimal.make_network(implicit=True, channels=8, n_steps=2)

    def loss() -> float:
        with torch.no_grad():
            return float(F.cross_entropy(network(images), masks))

    before = loss()
    minimal.train(network, images, masks, epochs=4)
    assert loss() < 0.7 * before


def test_a_short_run_prints_both_scores(capsys):
    scores = minimal.main(["--images", "16", "--epochs", "2"])
    assert set(scores) == {"with the solve", "without it"}
    assert all(0 < score < 1 for score in scores.values())
    assert capsys.readouterr().out.count("mIoU") == 2
