"""Rows that were measured: kept, continued, never written twice."""

import csv
from pathlib import Path

import pytest

from benchmarks import shootout, shootout_tables
from benchmarks.results_file import ResultsFile


@pytest.fixture
def file(tmp_path: Path) -> ResultsFile:
    return ResultsFile(tmp_path / "results.csv", ("set", "seed"), ("miou",))


def test_a_row_is_never_written_twice(file):
    file.add({"set": "a", "seed": 0, "miou": 0.5})
    file.add({"set": "a", "seed": 1, "miou": 0.6})
    before = file.path.read_bytes()
    with pytest.raises(ValueError, match="measured twice"):
        file.add({"set": "a", "seed": "0", "miou": 0.7})  # as it comes out of the file
    assert file.path.read_bytes() == before
    assert {"set": "a", "seed": 1} in file
    assert {"set": "b", "seed": 1} not in file
    assert [row["miou"] for row in ResultsFile(file.path, file.keys, ("miou",)).rows()] == ["0.5", "0.6"]


def test_columns_are_those_of_the_file(file):
    with pytest.raises(ValueError, match="a row has columns"):
        file.add({"set": "a", "seed": 0})
    file.add({"set": "a", "seed": 0, "miou": 0.5})
    with pytest.raises(ValueError, match="has columns"):
        ResultsFile(file.path, file.keys, ("other",)).rows()


def test_a_stopped_command_measures_what_is_missing_alone(tmp_path, monkeypatch):
    file = ResultsFile(tmp_path / "shootout.csv", shootout.FILE.keys, shootout.FILE.columns[len(shootout.FILE.keys) :])
    measured = []

    def measure(name, trunk, part, seed, trained, source):
        if len(measured) == 3:
            raise KeyboardInterrupt
        measured.append((name, part, seed))
        row = dict.fromkeys(file.columns, "1")
        return row | {"set": name, "trunk": trunk, "part": part, "seed": seed, "trained": trained}

    monkeypatch.setattr(shootout, "FILE", file)
    monkeypatch.setattr(shootout, "measure", measure)
    command = ["shootout", "--data", "d", "--sets", "ccp", "facade", "--parts", "nothing", "hartley", "--seeds", "0"]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(KeyboardInterrupt):
        shootout.main()
    first, measured[:] = list(measured), []
    shootout.main()
    assert first == [("ccp", "nothing", 0), ("ccp", "hartley", 0), ("facade", "nothing", 0)]
    assert measured == [("facade", "hartley", 0)]
    with file.path.open(newline="") as text:
        assert len(list(csv.DictReader(text))) == 4


def test_ranks_share_where_means_are_equal():
    found = {("s", "a"): [30.0, 32.0], ("s", "b"): [40.0], ("s", "c"): [31.0], ("other", "a"): [99.0]}
    ranks = {part: shootout_tables.rank("s", part, found) for part in "abc"}
    assert ranks == {"a": 2.5, "b": 1.0, "c": 2.5}


def test_tables_of_the_kept_results(capsys):
    """What is checked in can be read, and every row of it was made by a commit of its own."""
    shootout_tables.tables()
    printed = capsys.readouterr().out
    rows = shootout.FILE.rows()
    assert all(row["commit"] and not row["commit"].endswith("-dirty") for row in rows)
    assert all(f"| {row['part']} |" in printed for row in rows)
