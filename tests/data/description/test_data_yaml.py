"""What data.yaml says, and what is said of one that does not fit."""

from pathlib import Path

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from imexseg.data.description.data_yaml import load_description
from imexseg.data.description.palette import default_palette
from imexseg.errors import UsageError


def test_a_folder_and_its_file_mean_the_same(tmp_path: Path):
    (tmp_path / "data.yaml").write_text("names: [soil, crop]\npalette: [[1, 2, 3], [4, 5, 6]]\nchannels: 3")
    description = load_description(tmp_path)
    assert description == load_description(tmp_path / "data.yaml")
    assert description.root == tmp_path
    assert description.palette == [(1, 2, 3), (4, 5, 6)]
    assert description.channels == 3


@pytest.mark.parametrize(("n", "least"), [(5, 37), (11, 25), (20, 20), (254, 6)])
def test_colours_of_the_default_palette_differ(n: int, least: float):
    """By CIEDE2000, of which 1 is barely seen."""
    lab = rgb2lab(np.array([default_palette(n)]) / 255)[0]
    distances = deltaE_ciede2000(lab[:, None], lab[None])
    assert distances[np.triu_indices(n, 1)].min() > least


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nams: [a, b]", "unknown key 'nams'; did you mean 'names'"),
        ("names: [a]", "names: List should have at least 2 items"),
        ("names: [a, b, a]", "a is listed more than once"),
        ("names: [a, b]\npalette: [[0, 0, 0]]", "palette has 1 colours for 2 names"),
        ("names: [a, b]\npalette: [[0, 0, 0], [0, 0, 300]]", "less than or equal to 255"),
        ("names: [a, b]\nchannels: 0", "channels: Input should be greater than or equal to 1, got 0"),
        ("- a\n- b", "expected `key: value` lines, found list"),
        ("names: [a, b", "is not valid YAML"),
        ("names: !!python/object/apply:os.getcwd []", "is not valid YAML"),
    ],
)
def test_bad_descriptions_are_explained(text: str, message: str, tmp_path: Path):
    (tmp_path / "data.yaml").write_text(text)
    with pytest.raises(UsageError, match=message) as caught:
        load_description(tmp_path)
    assert str(tmp_path / "data.yaml") in str(caught.value)


def test_a_missing_description_is_explained(tmp_path: Path):
    with pytest.raises(UsageError, match="no such folder or file"):
        load_description(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"data.yaml: not found; write one with"):
        load_description(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("names: [a, 2026-99-99]", "is not valid YAML"),
        ("[" * 5000, "is not valid YAML|nested too deeply"),
        ("names: [a, b]\nroot: /etc", "unknown key 'root'; remove it"),
        ("names: [a, b]\nrood: x", "unknown key 'rood'; known: names, classes"),
        ("names: [a, ' ']", "one of them is blank"),
    ],
)
def test_odd_files_are_explained_too(text: str, message: str, tmp_path: Path):
    (tmp_path / "data.yaml").write_text(text)
    with pytest.raises(UsageError, match=message) as caught:
        load_description(tmp_path)
    assert "did you mean 'root'" not in str(caught.value)
