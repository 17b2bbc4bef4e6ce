"""docs/runtimes.md: its tables from the results, its programs from the workers that were run to fill them."""

import ast
from pathlib import Path

from benchmarks.runtimes.engines import ENGINES, Engine
from benchmarks.runtimes.operators import read_operators
from benchmarks.runtimes.table import Row, read_rows
from imexseg.files import write_atomically

DOCUMENT = Path(__file__).parents[2] / "docs" / "runtimes.md"
_BEGIN, _END = "<!-- begin {} -->\n", "<!-- end {} -->"


def write_document(path: Path = DOCUMENT) -> None:
    """What stands between the marks anew; all else stays."""
    text = path.read_text(encoding="utf-8")
    for name, content in (("table", _table(read_rows())), ("operators", _operators()), ("programs", _programs())):
        before, rest = text.split(_BEGIN.format(name))
        _, after = rest.split(_END.format(name))
        text = f"{before}{_BEGIN.format(name)}{content}{_END.format(name)}{after}"
    write_atomically(path, text)


def _table(rows: list[Row]) -> str:
    titles = {engine.name: engine.title for engine in ENGINES}
    lines = [
        "| network | runtime | difference | equal classes | ms | memory, MB | file, kB |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if not row.ran:
            words = row.words.replace("|", "\\|").replace("<", "&lt;")
            lines.append(f"| {row.network} | {titles[row.engine]} | fails: {words} | | | | |")
            continue
        assert row.equal is not None
        ms = "" if row.ms is None else f"{row.ms:.3g}"
        memory = "" if row.memory_kb is None else f"{row.memory_kb / 1000:.0f}"
        equal = "all" if row.equal == 1 else f"{row.equal:.3%}"
        figures = f"{row.difference:.0e} | {equal} | {ms} | {memory} | {(row.file_bytes or 0) / 1000:.0f}"
        lines.append(f"| {row.network} | {titles[row.engine]} | {figures} |")
    return "\n".join(lines) + "\n"


def _operators() -> str:
    known, every = read_operators(), {engine.name for engine in ENGINES}
    everywhere = [name for name, engines in known.items() if engines >= every]
    lines = [f"Run by all of them: {', '.join(everywhere)}." if everywhere else ""]
    lines += [
        f"{name}: not by {', '.join(sorted(every - engines))}."
        for name, engines in known.items()
        if not engines >= every
    ]
    return "\n".join(line for line in lines if line) + "\n"


def _programs() -> str:
    return "\n".join(_program(engine) for engine in ENGINES)


def _program(engine: Engine) -> str:
    """The worker without its frame: what it says of itself, how it converts, how it runs. In JavaScript the whole of it."""
    source = engine.worker.read_text(encoding="utf-8")
    module = ast.parse(source)
    install = f"    pip install {' '.join(engine.packages)}"
    script = engine.worker.with_suffix(".mjs")
    if script.is_file():
        install += f"\n    npm install {' '.join(engine.npm)}"
        code = f"```js\n{script.read_text(encoding='utf-8')}```\n"
    else:
        functions = [node for node in module.body if isinstance(node, ast.FunctionDef)]
        parts = "\n\n\n".join(ast.get_source_segment(source, node) or "" for node in functions)
        code = f"```python\n{parts}\n```\n"
    return f"### {engine.title}\n\n{ast.get_docstring(module)}\n\n{install}\n\n{code}"
