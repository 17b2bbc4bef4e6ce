"""The Tab key: the lines that a shell reads, and what it is answered."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from imexseg.cli.main import main


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_lines_for_a_shell(shell: str, capsys: pytest.CaptureFixture[str]):
    assert main(["completion", shell]) == 0
    lines = capsys.readouterr().out
    assert "imexseg" in lines
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=lines, text=True, check=True)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("imexseg ge", {"generate"}),
        ("imexseg generate qtips out --preset ", {"authors", "authors-code", "pile"}),
    ],
)
def test_what_a_shell_is_answered(typed: str, offered: set[str], tmp_path: Path):
    answer = tmp_path / "answer"
    asked = {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
        "COMP_LINE": typed,
        "COMP_POINT": str(len(typed)),
    }
    subprocess.run([sys.executable, "-m", "imexseg"], env=os.environ | asked, cwd=tmp_path, check=True)
    assert {word.strip() for word in answer.read_text().splitlines()} >= offered
