"""Factors of a solve are kept while nothing is trained; whatever they depend on makes new ones."""

import threading

import pytest
import torch

from imexseg.layers import implicit
from imexseg.layers.implicit import implicit_solve
from imexseg.layers.solve_modes import without_keeping


@pytest.fixture(params=["zero", "reflect"])
def solve(request: pytest.FixtureRequest):
    torch.manual_seed(1)
    return implicit_solve(3, 1.0, request.param, 1, 6)


def by_products(solve, X: torch.Tensor) -> torch.Tensor:
    solve.implementation = "matmul"
    with torch.no_grad():
        out = solve(X)
    solve.implementation = "fast"
    return out


def assert_solves(solve, X: torch.Tensor) -> None:
    torch.testing.assert_close(solve(X), by_products(solve, X), rtol=1e-5, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize(
    "change",
    [
        lambda solve: solve.weight.mul_(0.5),
        lambda solve: solve.set_diffusion(torch.full((3, 2), 4.0)),
        lambda solve: solve.load_state_dict({"weight": torch.ones(3, 2)}),
        lambda solve: setattr(solve, "weight", torch.nn.Parameter(torch.ones(3, 2))),
        lambda solve: setattr(solve, "step_size", 3.0),
    ],
    ids=["in place", "diffusion", "loaded", "another", "step"],
)
def test_what_they_depend_on_makes_new_ones(solve, change):
    X = torch.randn(2, 3, 9, 12)
    before = solve(X)
    assert_solves(solve, X)
    change(solve)
    assert not torch.allclose(solve(X), before)
    assert_solves(solve, X)


@torch.no_grad()
def test_grids_take_turns(solve):
    for height, width in [(9, 12), (12, 9), (9, 12), (20, 200)]:
        assert_solves(solve, torch.randn(1, 3, height, width))


@torch.no_grad()
def test_types_take_turns(solve):
    X = torch.randn(1, 3, 9, 12)
    assert_solves(solve, X)
    solve.double()
    torch.testing.assert_close(solve(X.double()), by_products(solve, X.double()), rtol=1e-10, atol=1e-10)
    solve.float()
    assert_solves(solve, X)
    assert_solves(solve, X.bfloat16().float())
    torch.testing.assert_close(solve(X.bfloat16()).float(), solve(X), rtol=0.05, atol=0.05)


@torch.no_grad()
def test_they_are_made_once_unless_they_are_large(solve, monkeypatch: pytest.MonkeyPatch):
    made = []

    class Counted(implicit.Factored):
        def __init__(self, *given):
            made.append(given[:2])
            super().__init__(*given)

    monkeypatch.setattr(implicit, "Factored", Counted)
    X = torch.randn(1, 3, 9, 12)
    for _ in range(3):
        solve(X)
    assert made == [(9, 12)]
    monkeypatch.setattr(implicit, "KEPT_BYTES", 10)
    solve._kept = None
    for _ in range(3):
        solve(X)
    assert len(made) == 4


@torch.no_grad()
def test_nothing_is_kept_while_memory_is_counted(solve):
    X = torch.randn(1, 3, 9, 12)
    solve(X)
    with without_keeping(solve):
        assert solve._kept is None
        solve(X)
        assert solve._kept is None
    solve(X)
    assert solve._kept is not None


def test_training_sees_every_change(solve):
    X = torch.randn(2, 3, 9, 12)
    with torch.no_grad():
        solve(X)
    optimiser = torch.optim.SGD(solve.parameters(), 10.0)
    solve(X).square().sum().backward()
    optimiser.step()
    assert_solves(solve, X)


def test_after_inference_mode_gradients_flow(solve):
    X = torch.randn(2, 3, 9, 12)
    with torch.inference_mode():
        solve(X)
    solve(X).sum().backward()
    assert solve.weight.grad.abs().sum() > 0


@torch.no_grad()
def test_threads_do_not_mix_grids(solve):
    images = [torch.randn(1, 3, 8 + n, 11) for n in range(4)]
    wanted = [by_products(solve, X) for X in images]
    wrong = []

    def run(n: int) -> None:
        with torch.no_grad():
            for _ in range(20):
                if not torch.allclose(solve(images[n]), wanted[n], rtol=1e-4, atol=1e-5):
                    wrong.append(n)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
