"""The folder of a run: where it is, what it contains, and what is needed to reproduce the run."""

import importlib.metadata
import json
import os
import platform
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

import torch
import yaml

from imexseg.errors import JobError, UsageError
from imexseg.files import write_atomically
from imexseg.missing import installed_opencv
from imexseg.training.claim import LOCK, claimed
from imexseg.training.config import RunConfig, dump

CONFIG, BEST, LAST, METRICS, REPORT = "config.yaml", "best.safetensors", "last.ckpt", "metrics.csv", "report.html"
ENVIRONMENT, GENERATED_DATA, TENSORBOARD = "environment.json", "data", "tensorboard"

_FOLDER_OF_THIS_RUN = "IMEXSEG_RUN_FOLDER"  # tells the processes that Lightning starts for more devices
_PACKAGES = ("imexseg", "torch", "lightning", "albumentations", "torchmetrics", "numpy")


def process_rank() -> int:
    """0 in the first process of a run, more in all others. torchrun says RANK, Lightning NODE_RANK and LOCAL_RANK."""
    if "RANK" in os.environ:
        return int(os.environ["RANK"])
    return int(os.environ.get("NODE_RANK", "0")) + int(os.environ.get("LOCAL_RANK", "0"))


def choose_run_folder(config: RunConfig) -> Path:
    """The folder that --output names, or a fresh one by model and date; nothing is written yet.

    Raises: UsageError if it exists and is not empty.
    """
    if process_rank() > 0:
        return _wait_for_first_process(config.output)
    folder = config.output or Path("runs") / f"{config.model}-{datetime.now():%Y%m%d-%H%M%S}"
    if config.output is not None:
        require_empty(folder)
    return folder


def require_empty(folder: Path) -> None:
    """What a killed command left of a beginning does not count. Raises: UsageError naming the way on."""
    if folder.is_dir():
        names = {path.name for path in folder.iterdir() if path.name != LOCK and not path.name.endswith(".part")}
        if not names:
            return
        began = CONFIG in names
        way_on = f"continue it with --resume {folder}" if began else "or empty it first"
        raise UsageError(f"{folder}: exists and is not empty; choose another --output, or {way_on.removeprefix('or ')}")
    if folder.exists():
        raise UsageError(f"{folder}: is not a folder; choose another --output")


@contextmanager
def new_run_folder(folder: Path, config: RunConfig) -> Iterator[Path]:
    """Claim a folder from choose_run_folder and write its config.yaml. Yields: the folder.

    A name that was made up gets a number behind it if another run took it meanwhile.
    Raises: UsageError if it is another's; JobError if it cannot be written.
    """
    if process_rank() > 0:
        yield folder
        return
    while True:
        with ExitStack() as stack:
            try:
                stack.enter_context(claimed(folder))
                require_empty(folder)
            except UsageError:
                if config.output is not None:
                    raise
                folder = _next_name(folder)
                continue
            create_run_folder(folder, config)
            yield folder
            return


def _next_name(folder: Path) -> Path:
    """runs/x → runs/x-2 → runs/x-3."""
    stem, _, number = folder.name.rpartition("-")
    return folder.with_name(f"{stem}-{int(number) + 1}" if len(number) < 4 and number.isdigit() else f"{folder.name}-2")


def has_finished_an_epoch(folder: Path) -> bool:
    """True if there is something to resume, of the images as they are or of a coarser level (training/multilevel.py)."""
    return (folder / LAST).is_file() or any(folder.glob(f"level-*/{LAST}"))


def create_run_folder(folder: Path, config: RunConfig) -> None:
    """Make the folder with its config.yaml. Raises: JobError if it cannot be made."""
    if process_rank() > 0:
        return
    # The data is named in full, so that the file works from any folder; the output is not, so that it can be used again.
    data = config.data.resolve() if config.data else None
    weights = config.init_weights
    if weights is not None and Path(weights).exists():
        weights = str(Path(weights).resolve())
    teacher = [str(Path(one).resolve()) if Path(one).exists() else one for one in config.teacher]
    unlabelled = config.unlabelled.resolve() if config.unlabelled else None
    named = {"data": data, "init_weights": weights, "teacher": teacher, "unlabelled": unlabelled, "output": None}
    write_atomically(folder / CONFIG, dump(config.model_copy(update=named)))
    os.environ[_FOLDER_OF_THIS_RUN] = str(folder.resolve())


def record_paces(folder: Path, paces: list[tuple[int, int]]) -> None:
    """Of a finished run with a budget: its config.yaml repeats what the clock has changed, without a clock."""
    written = yaml.safe_load((folder / CONFIG).read_text(encoding="utf-8"))
    config = RunConfig.model_validate(written | {"budget": None, "fill_budget": False, "paces": paces})
    write_atomically(folder / CONFIG, dump(config))


def _wait_for_first_process(output: Path | None, seconds: float = 600) -> Path:
    name = os.environ.get(_FOLDER_OF_THIS_RUN) or output
    if name is None:
        raise UsageError(
            "--output is needed under torchrun and on several machines: all processes must write to one folder"
        )
    folder = Path(name)
    deadline = time.monotonic() + seconds
    while not (folder / ENVIRONMENT).exists():
        if time.monotonic() > deadline:
            raise JobError(f"{folder}: the first process did not create it within {seconds:.0f} s")
        time.sleep(0.1)
    return folder


def environment(config: RunConfig) -> dict[str, str]:
    """Versions, machine, seed and commit."""
    facts = {name: importlib.metadata.version(name) for name in _PACKAGES} | installed_opencv()
    facts["python"] = platform.python_version()
    facts["platform"] = platform.platform()
    facts["threads"] = str(torch.get_num_threads())
    facts["cuda"] = str(torch.version.cuda) if torch.cuda.is_available() else "none"
    facts["seed"] = str(config.seed)
    facts["commit"] = _commit()
    return facts


def add_to_environment(folder: Path, name: str, fact: str) -> None:
    """One more fact that became known while the run went on. Raises: JobError if it cannot be written."""
    facts = json.loads((folder / ENVIRONMENT).read_text())
    write_atomically(folder / ENVIRONMENT, json.dumps(facts | {name: fact}, indent=2))


def _commit() -> str:
    """The git commit of the package's source tree, or of nothing known if it was installed from a wheel."""
    source = Path(__file__).resolve().parents[2]
    if not (source / ".git").exists():
        return "installed package"
    command = ["git", "-C", str(source), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"
