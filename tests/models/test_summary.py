"""What `imexseg models` prints is what the networks are."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from imexseg.cli.main import VERBS
from imexseg.models.catalogue import NETWORKS
from imexseg.models.summary import LISTING, axes, summarise

PRINTED = json.loads(LISTING.read_text(encoding="utf-8"))


def test_the_axes_are_those_of_the_tables():
    assert PRINTED["axes"] == json.loads(json.dumps(axes())), "run `make networks`"


@pytest.mark.parametrize("name", NETWORKS)
def test_the_listing_is_up_to_date(name: str):
    (row,) = (row for row in PRINTED["networks"] if row["name"] == name)
    assert row == json.loads(json.dumps(summarise(name).__dict__)), "run `make networks`"
    assert row["advice"] == NETWORKS[name]
    assert [row["name"] for row in PRINTED["networks"]] == list(NETWORKS)


def modules_of(*arguments: str) -> set[str]:
    """What a command imports."""
    code = f"import sys; from imexseg.cli.main import main; main({list(arguments)!r}); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    return set(done.stderr.split())


def test_help_and_models_import_nothing_heavy():
    heavy = {"torch", "numpy", "onnxruntime", "cv2", "lightning", "timm", "pydantic"}
    assert not modules_of("--help") & (heavy | {"rich.console", "yaml"})
    assert not modules_of("models") & heavy


def test_prediction_imports_no_compiler_and_nothing_of_the_training(qtips_folder: Path, tmp_path: Path):
    image = next((qtips_folder / "images/test").iterdir())
    heavy = {"torch._dynamo", "sympy", "lightning", "torchvision", "albumentations", "scipy", "pandas"}
    assert not modules_of("predict", str(image), "--output", str(tmp_path / "out")) & heavy


def test_the_public_names_are_there_without_torch():
    code = (
        "import sys, imexseg; assert imexseg.NETWORKS and 'torch' not in sys.modules; imexseg.Predictor; imexseg.load"
    )
    subprocess.run([sys.executable, "-c", code], timeout=120, check=True)


@pytest.mark.parametrize("verb", VERBS)
def test_the_summary_of_a_verb_is_the_first_line_of_its_module(verb: str):
    __import__(f"imexseg.cli.{verb}")
    first = (sys.modules[f"imexseg.cli.{verb}"].__doc__ or "").splitlines()[0]
    assert first == f"imexseg {verb}: {VERBS[verb]}"
