"""The notebook runs from top to bottom, and what is committed of its output is small and free of errors."""

import json
from pathlib import Path

import matplotlib as mpl
import pytest

NOTEBOOK = Path(__file__).resolve().parents[2] / "examples" / "tour.ipynb"
LARGEST = 250_000  # bytes


def code_cells() -> list[dict]:
    return [cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"]


def test_every_code_cell_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    mpl.use("Agg")
    monkeypatch.syspath_prepend(NOTEBOOK.parent)
    monkeypatch.chdir(NOTEBOOK.parents[1])
    namespace: dict = {"__name__": "__main__"}
    for number, cell in enumerate(code_cells(), 1):
        exec(compile("".join(cell["source"]), f"tour.ipynb, code cell {number}", "exec"), namespace)
    assert namespace["share"] > 0.99
    assert [float(line.split()[-1]) > 0 for line in capsys.readouterr().out.splitlines() if "mIoU" in line] == [
        True
    ] * 2
    assert namespace["fields"][0].astype(bool).mean() < 0.5 < namespace["fields"][1].astype(bool).mean()


def test_the_committed_output_is_small_and_without_errors():
    assert NOTEBOOK.stat().st_size < LARGEST
    outputs = [output for cell in code_cells() for output in cell["outputs"]]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 4
    assert all(output["output_type"] != "error" for output in outputs)
