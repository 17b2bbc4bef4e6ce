"""Losses: every one honours ignored pixels, and names are checked where they are written."""

import math

import pytest
import torch

from imexseg.errors import UsageError
from imexseg.training.config import resolve
from imexseg.training.losses import LOSSES, Loss, parse_loss

every_loss = pytest.mark.parametrize("name", [*LOSSES, "cross-entropy+0.5*dice+focal+2*lovasz"])
WEIGHTS = torch.tensor([1.0, 3.0, 2.0])


def batch(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(seed)
    return torch.randn(2, 3, 6, 5, requires_grad=True), torch.randint(0, 3, (2, 6, 5))


@every_loss
def test_ignored_pixels_change_nothing(name: str):
    logits, mask = batch()
    mask[:, 4:] = 255
    loss = Loss(name, WEIGHTS)
    whole = loss(logits, mask)
    torch.testing.assert_close(whole, loss(logits[:, :, :4], mask[:, :4]))
    (gradient,) = torch.autograd.grad(whole, logits)
    assert gradient[:, :, 4:].abs().max() == 0
    assert gradient[:, :, :4].abs().max() > 0


@every_loss
def test_zero_with_finite_gradients_if_all_pixels_are_ignored(name: str):
    logits, mask = batch()
    loss = Loss(name, WEIGHTS)(logits, torch.full_like(mask, 255))
    loss.backward()
    assert loss == 0
    assert torch.equal(logits.grad, torch.zeros_like(logits))


@every_loss
def test_descending_the_gradient_finds_the_classes(name: str):
    logits, mask = batch()
    loss = Loss(name, WEIGHTS)
    right = torch.nn.functional.one_hot(mask, 3).movedim(-1, 1) * 40.0 - 20
    assert loss(right, mask) < 1e-3 < 0.1 < loss(-right, mask)
    optimizer = torch.optim.Adam([logits], lr=0.3)
    for _ in range(60):
        optimizer.zero_grad()
        loss(logits, mask).backward()
        optimizer.step()
    assert torch.equal(logits.argmax(1), mask)


def test_a_sum_is_the_weighted_sum_of_its_terms():
    logits, mask = batch()
    each = {name: Loss(name, WEIGHTS)(logits, mask) for name in LOSSES}
    found = Loss("cross-entropy+0.5*dice+2*lovasz", WEIGHTS)(logits, mask)
    torch.testing.assert_close(found, each["cross-entropy"] + 0.5 * each["dice"] + 2 * each["lovasz"])


def test_class_weights_are_those_of_cross_entropy_alone():
    logits, mask = batch()
    changes = {name for name in LOSSES if Loss(name, WEIGHTS)(logits, mask) != Loss(name, torch.ones(3))(logits, mask)}
    assert changes == {"cross-entropy"}


def test_dice_and_lovasz_are_what_they_say():
    _, mask = batch()
    chosen = mask.roll(1)
    logits = torch.nn.functional.one_hot(chosen, 3).movedim(-1, 1) * 100.0  # certain: the surrogates are the scores
    overlap = torch.stack([((chosen == c) & (mask == c)).sum() for c in range(3)]).double()
    total = torch.stack([(chosen == c).sum() + (mask == c).sum() for c in range(3)]).double()
    assert float(Loss("dice", WEIGHTS)(logits, mask)) == pytest.approx(
        1 - float((2 * overlap / total).mean()), abs=1e-6
    )
    iou = float((overlap / (total - overlap)).mean())
    assert float(Loss("lovasz", WEIGHTS)(logits, mask)) == pytest.approx(1 - iou, abs=1e-6)


@every_loss
def test_float32_under_autocast(name: str):
    logits, mask = batch()
    expected = Loss(name, WEIGHTS)(logits.bfloat16().float(), mask)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(Loss(name, WEIGHTS)(logits.bfloat16(), mask), expected)


def test_sums_and_weights_are_parsed():
    assert parse_loss("dice") == {"dice": 1}
    assert parse_loss(" cross_entropy + 0.5 * dice") == {"cross-entropy": 1, "dice": 0.5}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dise", "unknown loss 'dise'; did you mean 'dice'"),
        ("cross-entropy+lovas", "unknown loss 'lovas'; did you mean 'lovasz'"),
        ("", "unknown loss ''"),
        ("dice+", "unknown loss ''"),
        ("-1*dice", "weight '-1' of dice is not a number above 0; write for instance 0.5"),
        ("much*dice", "weight 'much' of dice"),
        (f"{math.inf}*dice", "weight 'inf' of dice"),
        ("dice+dice", "dice is named twice"),
    ],
)
def test_bad_losses_are_explained(text: str, message: str):
    with pytest.raises(UsageError, match=message):
        resolve(None, {"loss": text})
