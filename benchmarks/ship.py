"""A finished run as weights that come with the package: the file, and a card whose figures are measured here.

    python -m benchmarks.ship RUN NAME --data DATA --made-by "imexseg train …" --about "one sentence" [--not-for "…"]

DATA needs a test split. Writes weights/NAME.safetensors and weights/NAME.md.
"""

import argparse
import hashlib
import shutil
from pathlib import Path

from imexseg.data.description.data_yaml import load_description
from imexseg.evaluation.evaluate import evaluate
from imexseg.inference.open import open_predictor
from imexseg.models.artefact import load

FOLDER = Path(__file__).resolve().parents[1] / "weights"
ONLY_BARS = "It knows only grey bars on a grey background: it demonstrates the task and does not segment photographs."


def card(name: str, path: Path, data: Path, made_by: str, about: str, not_for: str) -> str:
    """The text of the card. Test figures are computed from the file itself."""
    predictor = open_predictor(str(path))
    info = load(path).info
    scores = evaluate(predictor, load_description(data), "test").scores
    generated = info.data["generator"]
    what = f"generated: preset `{generated['preset']}`, " if generated else f"{info.data['name']}, "
    height, width = info.data["size"]
    what += f"{width}×{height}, {info.data['train_images']} training and {info.data['val_images']} validation images"
    commands = "\n".join(f"| {'made by' if i == 0 else ''} | `{line}` |" for i, line in enumerate(made_by.split(";")))
    return f"""# {name}

`{info.model}`: {about}

| | |
|---|---|
| data | {what} |
{commands}
| parameters | {predictor.parameters:,} |
| validation mIoU | {info.metrics["miou"]:.4f} (the epoch was chosen on these images) |
| test mIoU | {scores.miou:.4f} ({scores.images} images) |
| licence | {info.data.get("licence") or "Apache-2.0"} |
| sha256 | `{hashlib.sha256(path.read_bytes()).hexdigest()}` |

{not_for}
""".replace(f"{predictor.parameters:,}", f"{predictor.parameters:,}".replace(",", " "))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("name")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--made-by", required=True, help="commands, separated by ;")
    parser.add_argument("--about", required=True)
    parser.add_argument("--not-for", default=ONLY_BARS)
    options = parser.parse_args()
    target = FOLDER / f"{options.name}.safetensors"
    shutil.copyfile(options.run / "best.safetensors", target)
    text = card(options.name, target, options.data, options.made_by, options.about, options.not_for)
    target.with_suffix(".md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
