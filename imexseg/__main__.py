"""The console script, and python -m imexseg. Signal handlers come first, because the imports take seconds."""

import sys

from imexseg import interrupts
from imexseg.missing import explain_import


def run() -> None:
    """One command; never a traceback for what a person did. Exits with its code."""
    interrupts.install()
    try:
        from imexseg.cli.main import main

        code = main()
    except KeyboardInterrupt:
        print(f"imexseg: {interrupts.way_on()}", file=sys.stderr)
        code = 1
    except ImportError as error:
        explained = explain_import(error)
        if explained is None:
            raise
        print(f"imexseg: {explained}", file=sys.stderr)
        code = 2
    interrupts.finish(code)
    sys.exit(code)


if __name__ == "__main__":
    run()
