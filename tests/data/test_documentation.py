"""What the documentation shows is what the program takes."""

from pathlib import Path

from imexseg.data.description.data_yaml import load_description

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_data_yaml_of_the_documentation_is_valid(tmp_path: Path):
    text = (DOCS / "data.md").read_text().split("```yaml\n")[1].split("```")[0]
    (tmp_path / "data.yaml").write_text(text)
    assert load_description(tmp_path).names == ["footwear", "others"]
