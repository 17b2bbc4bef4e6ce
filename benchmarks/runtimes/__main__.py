"""Every network in every runtime: converts, runs, compares with torch, and prints what it costs at one thread.

    python -m benchmarks.runtimes --cache FOLDER                         all of them (an hour, 16 GB of environments)
    python -m benchmarks.runtimes --cache FOLDER --engines ncnn mnn --networks qtips
    python -m benchmarks.runtimes --cache FOLDER --times                 what ran, once more on a quiet machine (minutes)
    python -m benchmarks.runtimes --document                             docs/runtimes.md anew, from the results that are there

Each runtime and its converter get an environment of their own in FOLDER, where the exported networks stay too. A converter that
fails has its row, with its own words. Rows of the same runtime and network replace those in benchmarks/results/runtimes.csv.
"""

import argparse
import shutil
import warnings
from dataclasses import asdict
from pathlib import Path

import torch

from benchmarks.runtimes.document import write_document
from benchmarks.runtimes.engines import ENGINES, ConverterError, Engine, convert, install, run
from benchmarks.runtimes.networks import NAMES, OWN, core_file
from benchmarks.runtimes.operators import write_operators
from benchmarks.runtimes.table import RESULTS, Row, read_rows, write_rows


def measured(engine: Engine, name: str, network: Path, cache: Path, seconds: float, anew: bool) -> Row:
    """Never raises for what the runtime does: that is what the row is for."""
    output = cache / "converted" / engine.name / name
    try:
        python = install(engine, cache)
        if anew or not output.is_dir():
            shutil.rmtree(output, ignore_errors=True)
            convert(engine, python, network, output, seconds)
        found = run(engine, python, network, output, seconds)
    except ConverterError as error:
        shutil.rmtree(output, ignore_errors=True)
        return Row(engine.name, name, words=str(error))
    return Row(engine.name, name, **asdict(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, metavar="FOLDER", help="for environments and networks; kept")
    parser.add_argument("--engines", nargs="+", choices=[engine.name for engine in ENGINES], metavar="NAME")
    parser.add_argument("--networks", nargs="+", choices=NAMES, default=NAMES, metavar="NAME")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE.csv")
    parser.add_argument(
        "--seconds", type=float, default=1500, help="that a converter or a runtime may take (default: %(default)s)"
    )
    parser.add_argument("--anew", action="store_true", help="convert again what is converted already")
    parser.add_argument(
        "--times", action="store_true", help="only what ran, as it is converted already: time and memory anew"
    )
    parser.add_argument("--document", action="store_true", help="only write docs/runtimes.md")
    options = parser.parse_args()
    if not options.document:
        if options.cache is None:
            parser.error("--cache FOLDER: give a folder with 16 GB of room")
        cache = options.cache.resolve()
        sources = cache / "networks"
        sources.mkdir(parents=True, exist_ok=True)
        torch.set_num_threads(1)
        ran = {(row.engine, row.network) for row in read_rows(options.results) if row.ran}
        for name in options.networks:
            network = core_file(name, sources)
            for engine in ENGINES:
                if options.engines and engine.name not in options.engines:
                    continue
                if options.times and (engine.name, name) not in ran:
                    continue
                row = measured(engine, name, network, cache, options.seconds, options.anew)
                print(row, flush=True)
                write_rows([*read_rows(options.results), row], options.results)
                write_operators([row], sources, OWN, options.results.with_name("operators.csv"))
    if options.results == RESULTS:
        write_document()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
