"""Every row of the table through the real command line, compared pixel by pixel with truth that no converter drew."""

from pathlib import Path

import cases_coco
import cases_labelme
import cases_voc
import cases_yolo
import numpy as np
import pytest
import yaml
from converter_inputs import CASES, Case, Refused
from PIL import Image

from imexseg.cli.main import main

TABLES = (cases_coco, cases_labelme, cases_yolo, cases_voc)


@pytest.mark.parametrize("row", CASES, ids=lambda row: row.name)
def test_what_tools_write(row: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    arguments, expected = row.make(source)
    before = {path: path.read_bytes() for path in source.rglob("*") if path.is_file()}
    code = main(["convert", row.format, *map(str, arguments[:1]), str(out), *map(str, arguments[1:])])
    said = capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in source.rglob("*") if path.is_file()}
    assert [path.name for path in tmp_path.glob(".*")] == []
    if isinstance(expected, Refused):
        assert code == 2, said
        assert not out.exists()
        assert all(words in said for words in expected.words), said
        return
    assert code == 0, said
    assert all(words in said for words in expected.says), said
    files = {path.relative_to(out / "masks").with_suffix("").as_posix(): path for path in out.glob("masks/*/*.png")}
    assert files.keys() == expected.masks.keys()
    for name, truth in expected.masks.items():
        assert np.array_equal(np.array(Image.open(files[name])), truth), name
        assert len(list((out / "images").glob(f"{name}.*"))) == 1
    if expected.names is not None:
        names = yaml.safe_load((out / "data.yaml").read_text(encoding="utf-8"))["names"]
        assert (names if isinstance(names, dict) else dict(enumerate(names))) == expected.names
        assert all(f"{number} {name}" in said for number, name in expected.names.items())


def test_the_table_is_as_long_as_promised():
    assert len(CASES) >= 60
    assert len({row.name for row in CASES}) == len(CASES)
    assert len(TABLES) == len({row.format for row in CASES}) - 1  # VOC and masks in colours share one
