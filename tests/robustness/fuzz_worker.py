"""A process that runs the command line on one damaged file after another; the test watches it from outside.

A line of JSON in (kind, seed), a line of JSON out. Training is stopped where it would begin: what is read are the settings.
"""

import contextlib
import io
import json
import random
import shutil
import sys
import traceback
from pathlib import Path

import torch
from fuzz_inputs import damage, kinds

from imexseg.cli.main import main
from imexseg.training import fit


class TrainingBegins(BaseException):
    """The settings were taken."""


def peak_mib() -> int:
    """Of this process since the last reset."""
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) // 1024


def run(arguments: list[str]) -> tuple[int | None, str, str]:
    """Exit code (None: training began), what was said, and a traceback if there was one."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        try:
            return main(arguments), said.getvalue(), ""
        except TrainingBegins:
            return None, said.getvalue(), ""
        except BaseException:
            return 1, said.getvalue(), traceback.format_exc()


def serve(scratch: Path, weights: Path, exported: Path, finished: Path) -> None:
    torch.set_num_threads(1)
    table = kinds(weights, exported, finished)
    real = fit.fit

    def begins(*_: object, resume: bool = False, **__: object):
        if resume:
            return real(*_, resume=resume, **__)  # type: ignore[arg-type]
        raise TrainingBegins

    fit.fit = begins  # type: ignore[assignment]
    print("ready", file=sys.__stdout__, flush=True)
    for line in sys.stdin:
        kind, seed = json.loads(line)
        folder = scratch / "case"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        path = table[kind].make(folder)
        rng = random.Random(f"{kind}/{seed}")
        how = damage(path, table[kind].text, rng)
        Path("/proc/self/clear_refs").write_text("5")
        before = peak_mib()
        code, said, failure = run(table[kind].command(folder, path))
        result = {
            "how": how,
            "code": code,
            "said": said[-2000:],
            "traceback": failure or ("Traceback" in said and said[-3000:]) or "",
            "mib": peak_mib() - before,
            "named": path.name in said or path.stem in said,
            "steered": any(ord(letter) < 32 and letter not in "\n\t\r" for letter in said),
        }
        print(json.dumps(result), file=sys.__stdout__, flush=True)


if __name__ == "__main__":
    serve(*map(Path, sys.argv[1:]))
