"""The figures that the default settings promise; minutes, so not part of the ordinary suite."""

import json
from pathlib import Path

import pytest


@pytest.mark.slow
def test_the_default_run_learns_the_authors_task(imexseg_cli, tmp_path: Path):
    """`imexseg train` without arguments: mIoU ≥ 0.99 with at most 15 000 parameters."""
    done = imexseg_cli("train", "--output", "run", cwd=tmp_path, timeout=1800)
    assert done.returncode == 0, done.stderr
    scores = json.loads(imexseg_cli("evaluate", "run", "run/data", "--json", cwd=tmp_path).stdout)
    assert scores["images"] == 64
    assert scores["miou"] >= 0.99
    assert scores["parameters"] <= 15_000
