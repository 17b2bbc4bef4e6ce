"""Files that appear whole, and what killed processes left."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from imexseg import files
from imexseg.errors import JobError
from imexseg.files import appearing_whole, folder_appearing_whole, write_atomically

HOLD = "import sys, time; from pathlib import Path; from imexseg.files import appearing_whole\n"
HOLD += "with appearing_whole(Path(sys.argv[1])) as part: print(part.name, flush=True); time.sleep(60)"


def test_leftovers_of_killed_processes_are_removed_and_nothing_else(tmp_path: Path):
    living, killed = (
        subprocess.Popen([sys.executable, "-c", HOLD, tmp_path / name], stdout=subprocess.PIPE, text=True)
        for name in ("living", "killed")
    )
    parts = [process.stdout.readline().strip() for process in (living, killed) if process.stdout]
    killed.kill()
    killed.wait()
    (tmp_path / ".x.png.part").write_text("somebody's")
    (tmp_path / ".folder.0123abcd.part").mkdir()
    write_atomically(tmp_path / "new", "content")
    left = {path.name for path in tmp_path.iterdir()}
    living.kill()
    living.wait()
    assert left == {"new", ".x.png.part", parts[0]}


def test_a_failure_leaves_nothing(tmp_path: Path):
    for kind in (appearing_whole, folder_appearing_whole):
        with pytest.raises(TypeError), kind(tmp_path / "x") as part:
            (part / "y" if part.is_dir() else part).write_text(None)  # fails once the file is open
    assert list(tmp_path.iterdir()) == []
    with folder_appearing_whole(tmp_path / "x") as part:
        (part / "y").write_text("whole")
    assert [path.name for path in tmp_path.rglob("*")] == ["x", "y"]


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EACCES, "change its permissions"),
        (errno.EROFS, "choose another place"),
    ],
)
def test_the_remedy_fits_the_reason(number: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.os, "fsync", fail)
    with pytest.raises(JobError, match=said):
        write_atomically(tmp_path / "x", "y")
    assert list(tmp_path.iterdir()) == []
