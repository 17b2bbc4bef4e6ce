"""What is installed: the program and nothing else, under names that cannot meet anybody's own."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).resolve().parents[2]
SOMEBODY_ELSES = "raise SystemExit('the data_gen of somebody else was imported')\n"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    return zipfile.ZipFile(next(WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])))


def files_of(folder: str) -> set[str]:
    """Modules of a folder of the repository, relative to it."""
    return {str(path.relative_to(ROOT / folder)) for path in (ROOT / folder).rglob("*.py")}


def test_the_wheel_holds_the_package_the_generator_and_the_weights(wheel: zipfile.ZipFile):
    names = wheel.namelist()
    assert len(names) == len(set(names))
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"imexseg"}
    modules = {name.removeprefix("imexseg/") for name in names if name.endswith(".py")}
    generator = {name.removeprefix("data_gen/") for name in modules if name.startswith("data_gen/")}
    assert generator == files_of("data_gen")
    assert {name for name in modules if not name.startswith("data_gen/")} == files_of("imexseg") - {
        "data_gen/__init__.py"
    }
    assert wheel.read("imexseg/data_gen/__init__.py") == (ROOT / "data_gen/__init__.py").read_bytes()
    weights = {Path(name).name for name in names if name.endswith(".safetensors")}
    assert weights == {path.name for path in (ROOT / "weights").glob("*.safetensors")}


@pytest.mark.parametrize(("installed", "as_what"), [("wheel", "data_gen/__init__.py"), ("source tree", "data_gen.py")])
def test_somebody_elses_data_gen_is_neither_used_nor_hidden(
    installed: str, as_what: str, wheel: zipfile.ZipFile, tmp_path: Path
):
    theirs = tmp_path / "work"
    module = theirs / as_what
    module.parent.mkdir(parents=True)
    module.write_text(SOMEBODY_ELSES)
    root = ROOT
    if installed == "wheel":
        root = tmp_path / "site-packages"
        wheel.extractall(root)

    def python(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=theirs,
            env=os.environ | {"PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            check=False,
        )

    sizes = ("--train", "2", "--val", "1", "--test", "1")
    made = python("-m", "imexseg", "generate", "qtips", "out", *sizes)
    assert made.returncode == 0, made.stderr
    assert (theirs / "out/data.yaml").is_file()
    where = python("-c", "import imexseg.data_gen.qtips as module; print(module.__file__)")
    expected = root / ("imexseg/data_gen" if installed == "wheel" else "data_gen")
    assert Path(where.stdout.strip()).parent == expected
    assert "somebody else" in python("-c", "import data_gen").stderr


def test_both_doors_of_the_generator_offer_the_same_names():
    import data_gen
    import imexseg.data_gen

    assert imexseg.data_gen.__all__ == data_gen.__all__
    assert all(hasattr(imexseg.data_gen, name) for name in data_gen.__all__)
