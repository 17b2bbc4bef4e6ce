"""Tables of results: lines broken between words on a terminal, and never where a file or a program reads them."""

import sys
from collections.abc import Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from imexseg.errors import printable

GAP = 2  # columns of the terminal between two of the table


def print_table(
    rows: Sequence[Sequence[str]], head: Sequence[str] = (), left: int = 1, summary: Sequence[Sequence[str]] = ()
) -> None:
    """Print rows of cells to stdout, as plain text.

    Where a terminal has no room even for the longest words, and wherever stdout is no terminal, each row is one line.
    Args:
        head: titles of the columns, or none.
        left: so many columns are words, which begin at the left; those behind them are numbers, which end at the right.
        summary: rows below the others.
    """
    columns = [list(map(_one_line, cells)) for cells in zip(*([head] if head else []), *rows, *summary, strict=True)]
    natural = [max(map(cell_len, cells)) for cells in columns]
    on_terminal = sys.stdout.isatty()
    widths = natural
    if on_terminal:
        widths = _narrowed(natural, columns, Console().width - GAP * (len(columns) - 1)) or natural
    # No colours: escape sequences of any origin are made visible on their way to stdout.
    console = Console(color_system=None, width=sum(widths) + GAP * len(widths), legacy_windows=False)
    outline = box.SIMPLE_HEAD if on_terminal and head else None
    padding = (0, GAP - bool(outline), 0, 0)  # an outline puts a blank of its own between columns
    table = Table(box=outline, show_edge=False, show_header=bool(head), pad_edge=False, padding=padding)
    for number, (cells, width) in enumerate(zip(columns, widths, strict=True)):
        justify: JustifyMethod = "left" if number < left else "right"
        table.add_column(Text(cells[0]), justify=justify, overflow="fold", width=width)
    for number, row in enumerate(zip(*columns, strict=True)):
        if number or not head:
            table.add_row(*map(Text, row), end_section=number == len(rows) and bool(summary))
    with console.capture() as captured:
        console.print(table, soft_wrap=True)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))


def _one_line(cell: str) -> str:
    return printable(cell).replace("\n", "\\n").replace("\t", "\\t")


def _narrowed(natural: list[int], columns: list[list[str]], room: int) -> list[int] | None:
    """Widths that add up to no more than the room: the widest column gives way first, none below its longest word.

    Returns: None if there is no room for the words.
    """
    least = [max(cell_len(word) for cell in cells for word in [*cell.split(), ""]) for cells in columns]
    widths = list(natural)
    while sum(widths) > room:
        width, number = (
            max((width, i) for i, width in enumerate(widths) if width > least[i]) if widths != least else (0, 0)
        )
        if not width:
            return None
        widths[number] -= 1
    return widths
