"""Tables of results: nothing is lost, wherever they are printed."""

import io
import sys

import pytest

from imexseg.cli.tables import print_table

NAMES = ["cell", "[bold]a long name[/bold] :smile: of a class " + "x" * 200, "red\x1b[31m\nline", "ärztin 細胞"]
ROWS = [(name, f"{number:.4f}") for name, number in zip(NAMES, (1, 20, 300, 4), strict=True)]


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def on_terminal(monkeypatch: pytest.MonkeyPatch, width: int, *arguments, **options) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(sys, "stdout", Terminal())
    print_table(*arguments, **options)
    return sys.stdout.getvalue().splitlines()  # type: ignore[attr-defined]


def test_what_a_program_reads_has_one_whole_line_for_each_row(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "40")
    print_table(ROWS, head=("class", "IoU"), summary=[("mean", "81.25")])
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "─" not in out
    lines = out.splitlines()
    assert [line.rsplit(maxsplit=1) for line in lines] == [
        ["class", "IoU"],
        ["cell", "1.0000"],
        [NAMES[1], "20.0000"],
        [r"red\x1b[31m\nline", "300.0000"],
        [NAMES[3], "4.0000"],
        ["mean", "81.25"],
    ]
    assert len({len(line) for line in lines[:4]}) == 1  # numbers end at the same place


def test_a_terminal_breaks_lines_between_words(monkeypatch: pytest.MonkeyPatch):
    words = ["the", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog"]
    lines = on_terminal(monkeypatch, 32, [("a-name-of-14ch", " ".join(words))], head=("name", "what"), left=2)
    assert max(map(len, lines)) <= 32
    assert [word for line in lines[2:] for word in line.split()] == ["a-name-of-14ch", *words]
    assert len(lines) > 4


def test_a_terminal_too_narrow_for_the_words_gets_whole_rows(monkeypatch: pytest.MonkeyPatch):
    lines = on_terminal(monkeypatch, 20, [("segmentation-models", "pytorch and more")], left=2)
    assert lines == ["segmentation-models  pytorch and more"]


def test_titles_and_a_summary_stand_apart_on_a_terminal(monkeypatch: pytest.MonkeyPatch):
    lines = on_terminal(monkeypatch, 80, [("a", "1")], head=("class", "IoU"), summary=[("mean", "1")])
    assert lines == ["class  IoU", "─" * len("class  IoU"), "a        1", "", "mean     1"]
