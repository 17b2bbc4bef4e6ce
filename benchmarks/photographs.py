"""Networks on photographs, CamVid and CCP (clothing, ten classes): what the solve is worth, and peers in the same pipeline.

    python -m benchmarks.photographs tiny-ccp --data FOLDER       one scale, with and without the solve, three seeds
    python -m benchmarks.photographs tiny-camvid --data FOLDER    the same
    python -m benchmarks.photographs boundary --data FOLDER       ablation: the three boundaries
    python -m benchmarks.photographs camvid --data FOLDER         from scratch, beside peers
    python -m benchmarks.photographs lite0 --data FOLDER          CCP on an encoder trained on ImageNet
    python -m benchmarks.photographs latency                      onnxruntime, one thread, 240 × 320, of those of `camvid`
    python -m benchmarks.photographs curve                        a plot of what both of them found

FOLDER holds camvid/ and ccp/, each with images/ and masks/. Copies at the size of the table are made in runs/photographs/; runs
stay there too, and a finished one is not trained again. Within a table every network sees the same images equally often.
"""

import argparse
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import yaml

from benchmarks.training_runs import RESULT, Job, train_all

FOLDER = Path("runs/photographs")
SEEDS = (0, 1, 2)
WITH, WITHOUT = "with the solve", "without the solve"
# Height, width of the copies; None: the images as they are.
SIZES: dict[str, tuple[int, int] | None] = {
    "ccp-original": None,
    "camvid": (240, 320),
    "camvid-small": (192, 256),
    "ccp-small": (192, 128),
}

CAMVID = ["sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist"]
CCP = """null accessories bag belt blazer blouse bodysuit boots bra bracelet cape cardigan clogs coat dress earrings flats
glasses gloves hair hat heels hoodie intimate jacket jeans jumper leggings loafers necklace panties pants pumps purse ring romper
sandals scarf shirt shoes shorts skin skirt sneakers socks stockings suit sunglasses sweater sweatshirt swimwear t-shirt tie
tights top vest wallet watch wedges""".split()  # noqa: SIM905 (a list of 59 lines is no easier to read)
CCP_TEN = {
    "background": "null",
    "skin": "skin",
    "hair": "hair",
    "accessories": "accessories belt bracelet earrings glasses gloves hat necklace ring scarf sunglasses tie watch",
    "bag": "bag purse wallet",
    "outerwear": "blazer cape cardigan coat hoodie jacket suit vest",
    "top": "blouse bodysuit bra intimate jumper shirt sweater sweatshirt swimwear t-shirt top",
    "dress": "dress romper",
    "bottom": "jeans leggings panties pants shorts skirt socks stockings tights",
    "footwear": "boots clogs flats heels loafers pumps sandals shoes sneakers wedges",
}


@dataclass(frozen=True)
class Row:
    """One network of a table. Args: network: settings that replace those of the model."""

    model: str
    network: dict[str, Any] = field(default_factory=dict)
    learning_rate: float = 1e-2
    weight_decay: float = 1e-2
    recount: bool = False  # training_runs.Job


@dataclass(frozen=True)
class Table:
    """Rows trained alike. Args: data: of SIZES."""

    data: str
    epochs: int
    rows: dict[str, Row]
    seeds: tuple[int, ...] = (0,)
    settings: dict[str, Any] = field(default_factory=dict)

    def jobs(self, name: str, row: str, seeds: Sequence[int]) -> list[Job]:
        r = self.rows[row]
        common = {"data": FOLDER / self.data, "epochs": self.epochs, "augmentation": "light", "class_weights": "auto"}
        own = {"model": r.model, "network": r.network, "learning_rate": r.learning_rate, "accept_licence": True}
        own["weight_decay"] = r.weight_decay
        return [
            Job(
                FOLDER / name / f"{row}-{seed}".replace(" ", "_").replace(",", "").replace("+", "plus"),
                common | self.settings | own | {"seed": seed},
                test=True,
                recount=r.recount,
            )
            for seed in seeds
        ]


# The control of `tiny` is one channel wider, so that it has no fewer weights: 3 % more.
TINY = {
    "with the solve": Row("imex-residual-lean-photo-tiny"),
    "without": Row("residual-lean-photo-tiny", {"width": 33}),
}
BOUNDARIES = ("periodic", "reflect", "zero")
LRASPP = "LRASPP, MobileNetV3-large"
PEERS = {
    # Its running averages move by a hundredth a step: after ten epochs they are still far behind.
    LRASPP: Row("smp:LRASPP:mobilenet_v3_large", learning_rate=3e-3, recount=True),
    "SegFormer-B0": Row("smp:Segformer:mit_b0", learning_rate=1e-3),
    "DeepLabV3+, MobileNetV2": Row("smp:DeepLabV3Plus:mobilenet_v2", learning_rate=3e-3),
    "U-Net, MobileNetV2": Row("smp:Unet:mobilenet_v2", learning_rate=3e-3),
}
ON_LITE0 = {
    "imex-lite0": Row("imex-lite0", learning_rate=4e-3),
    "imex-lite0 without the solve": Row("residual-lite0", learning_rate=4e-3),
    "U-Net, lite0": Row("smp:Unet:tu-tf_efficientnet_lite0", {"pretrained": True}, 4e-3),
    "DeepLabV3+, lite0": Row("smp:DeepLabV3Plus:tu-tf_efficientnet_lite0", {"pretrained": True}, 4e-3),
}
TABLES: dict[str, Table] = {
    "tiny-ccp": Table("ccp-small", 12, TINY, SEEDS),
    "tiny-camvid": Table("camvid-small", 15, TINY, SEEDS),
    "lengths": Table(
        "ccp-small",
        12,
        {f"shortest {s}": Row("imex-residual-lean-photo-tiny", {"shortest": s}) for s in (0.1, 0.3, 1.0)},
    ),
    "lengths-m": Table(
        "camvid", 10, {f"shortest {s}": Row("imex-residual-lean-photo-m", {"shortest": s}) for s in (0.1, 1.0)}
    ),
    "boundary": Table(
        "ccp-small",
        12,
        {
            f"{boundary}, {name}": Row(row.model, row.network | {"boundary": boundary})
            for boundary in BOUNDARIES
            for name, row in TINY.items()
        },
    ),
    "camvid": Table(
        "camvid",
        10,
        {
            "photo-tiny": TINY["with the solve"],
            "photo-tiny without the solve": TINY["without"],
            "photo-m": Row("imex-residual-lean-photo-m"),
            "photo-m without the solve": Row("residual-lean-photo-m"),
            "photo-s": Row("imex-residual-lean-photo-s"),
            "photo-s without the solve": Row("residual-lean-photo-s"),
        }
        | PEERS,
    ),
    "scales": Table(
        "camvid",
        10,
        {
            f"{width}, {n_steps}, {name}": Row(f"{dynamics}-lean-photo-s", {"width": width, "n_steps": n_steps})
            for width, n_steps in (((32, 192), (2, 4)), ((48, 192), (1, 4)), ((32, 160), (2, 6)))
            for name, dynamics in (("with the solve", "imex-residual"), ("without", "residual"))
        },
    ),
    "m": Table(
        "camvid",
        10,
        {
            "lr 4e-3": Row("imex-residual-lean-photo-m", learning_rate=4e-3),
            "lr 4e-3 without": Row("residual-lean-photo-m", learning_rate=4e-3),
            "reflect": Row("imex-residual-lean-photo-m", {"boundary": "reflect"}),
            "coarsest": Row("imex-residual-lean-photo-m", {"dynamics": ("residual", "residual", "imex-residual")}),
            "decay 0.3": Row("imex-residual-lean-photo-m", {"refine_steps": 2}, weight_decay=0.3),
            "decay 0.3 without": Row("residual-lean-photo-m", {"refine_steps": 2}, weight_decay=0.3),
            "s refine 2": Row("imex-residual-lean-photo-s", {"refine_steps": 2}),
            "s refine 2 without": Row("residual-lean-photo-s", {"refine_steps": 2}),
            "longest 3": Row("imex-residual-lean-photo-m", {"longest": (24, 4, 3)}),
            "refine 2": Row("imex-residual-lean-photo-m", {"refine_steps": 2}),
            "refine 2 without": Row("residual-lean-photo-m", {"refine_steps": 2}),
        },
    ),
    "lite0-2e-3": Table(
        "ccp-original",
        3,
        {name: replace(row, learning_rate=2e-3) for name, row in ON_LITE0.items()},
        settings={"long_side": 256},
    ),
    "head": Table(
        "ccp-original",
        3,
        {
            f"width {w}, pyramid {p}, refine {r}": Row(
                "imex-lite0", {"width": w, "pyramid_width": p, "refine_steps": r}, 2e-3
            )
            for w, p, r in ((32, 24, 0), (32, 48, 2), (128, 48, 1))
        },
        settings={"long_side": 256},
    ),
    "people": Table(
        "ccp-original",
        12,
        {"imex-lite0": ON_LITE0["imex-lite0"]},
        settings={"long_side": 256},
    ),
    "lite0": Table(
        "ccp-original",
        3,
        ON_LITE0,
        settings={"long_side": 256},
    ),
}


def prepare(name: str, source: Path) -> None:
    """A copy at the size of the table: images averaged, masks by the nearest pixel."""
    folder, size = FOLDER / name, SIZES[name]
    if (folder / "data.yaml").exists():
        return
    kind = name.split("-")[0]
    if size is None:
        folder.mkdir(parents=True)
        for half in ("images", "masks"):
            (folder / half).symlink_to((source / kind / half).resolve(), target_is_directory=True)
    for path in sorted((source / kind).glob("*/*/*.*")) if size else []:
        is_mask = path.parts[-3] == "masks"
        pixels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE if is_mask else cv2.IMREAD_COLOR)
        pixels = cv2.resize(pixels, size[::-1], interpolation=cv2.INTER_NEAREST if is_mask else cv2.INTER_AREA)
        target = folder / path.relative_to(source / kind).with_suffix(".png")
        target.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(target), pixels)
    description: dict[str, Any] = {"names": CAMVID if kind == "camvid" else CCP}
    if kind == "ccp":
        description["classes"] = {name: labels.split() for name, labels in CCP_TEN.items()}
        description["licence"] = "Apache-2.0; trained on Clothing Co-Parsing (Yang, Luo, Lin 2014), Apache-2.0"
    (folder / "data.yaml").write_text(yaml.safe_dump(description, sort_keys=False))


def print_table(name: str, table: Table, rows: Sequence[str], results: dict[str, list[dict[str, Any]]]) -> None:
    size = SIZES[table.data]
    pixels = f"{size[0]} x {size[1]}" if size else f"long side {table.settings['long_side']} px, scored at full size"
    print(f"\n{name}: {table.data}, {pixels}, {table.epochs} epochs, test split\n")
    print("| network | parameters | mIoU | pixel accuracy | seconds of one core |\n|---|---|---|---|---|")
    for row in rows:
        found = results[row]
        cells = [_mean([100 * r[key] for r in found]) for key in ("test_miou", "test_accuracy")]
        seconds = statistics.mean(r["seconds"] for r in found)
        print(f"| {row} | {found[0]['parameters']} | {cells[0]} | {cells[1]} | {seconds:.0f} |")


def _mean(values: list[float]) -> str:
    spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.1f}{spread}"


def latency() -> None:
    """Milliseconds of every network of the table `camvid`, and of the smaller ones, on random weights: time is the same."""
    import numpy as np

    from benchmarks.export import interleaved, runnable, untrained
    from imexseg.export.build import build
    from imexseg.export.metadata import ExportOptions
    from imexseg.models.facts import count_parameters

    size = (240, 320)
    rows = {**{f"photo-tiny, {name}": row for name, row in TINY.items()}, **TABLES["camvid"].rows, **ON_LITE0}
    files, parameters = {}, {}
    for name, row in rows.items():
        settings = {key: value for key, value in row.network.items() if key != "pretrained"}
        network = untrained(row.model, 3, num_classes=11, **settings)
        parameters[name] = count_parameters(network)
        files[name] = build(network, ExportOptions(size)).SerializeToString()
    image = np.random.default_rng(0).integers(0, 256, (1, *size, 3), dtype=np.uint8)
    found = interleaved(runnable(files, "classes", {"image": image}), rounds=20)
    against = found[LRASPP]
    print(f"\n| onnxruntime, one thread, {size[0]} x {size[1]} | parameters | ms | of {LRASPP} |\n|---|---|---|---|")
    for name, value in found.items():
        print(f"| {name} | {parameters[name]} | {value:.1f} | {value / against:.2f} |")
    (FOLDER / "latency.json").write_text(json.dumps(found))


def curve() -> None:
    """Test mIoU on CamVid against parameters and against milliseconds, for every network that both were measured of."""
    from matplotlib.figure import Figure

    milliseconds = json.loads((FOLDER / "latency.json").read_text())
    lines: dict[str, dict[str, list[float]]] = {WITH: {}, WITHOUT: {}, "other networks": {}}
    for name, row in TABLES["camvid"].rows.items():
        jobs = TABLES["camvid"].jobs("camvid", name, SEEDS)
        found = [json.loads((job.folder / RESULT).read_text()) for job in jobs if (job.folder / RESULT).exists()]
        if found and name in milliseconds:
            line = "other networks" if name in PEERS else WITH if row.model.startswith("imex") else WITHOUT
            miou = 100 * statistics.mean(result["test_miou"] for result in found)
            lines[line][name] = [found[0]["parameters"], milliseconds[name], miou]
    figure = Figure(figsize=(11, 4.4), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for (line, points), style, colour in zip(
        lines.items(), ("o-", "o--", "s"), ("tab:blue", "tab:orange", "tab:grey"), strict=True
    ):
        for axes, column in zip(panels, (0, 1), strict=True):
            axes.plot(
                [p[column] for p in points.values()], [p[2] for p in points.values()], style, color=colour, label=line
            )
            for name, p in points.items() if line != WITHOUT else ():
                axes.annotate(name, (p[column], p[2]), xytext=(6, 6), textcoords="offset points", fontsize=8)
    for axes, label in zip(panels, ("parameters", "milliseconds in onnxruntime, one thread, 240 × 320"), strict=True):
        axes.set(xlabel=label, xscale="log")
        axes.grid(alpha=0.25, linewidth=0.6)
        axes.margins(x=0.2, y=0.15)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("mIoU on the test split of CamVid, %")
    panels[0].legend(frameon=False)
    figure.savefig(FOLDER / "curve.png", dpi=130)
    print(FOLDER / "curve.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", choices=[*TABLES, "latency", "curve"])
    parser.add_argument("--data", type=Path, metavar="FOLDER")
    parser.add_argument("--rows", nargs="+")
    parser.add_argument("--seeds", nargs="+", type=int)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    if options.table in ("latency", "curve"):
        {"latency": latency, "curve": curve}[options.table]()
        return
    if options.data is None:
        parser.error(f"{options.table}: needs --data FOLDER, with camvid/ and ccp/ in it")
    table = TABLES[options.table]
    prepare(table.data, options.data)
    rows = options.rows or list(table.rows)
    seeds = options.seeds or table.seeds
    jobs = [job for seed in seeds for row in rows for job in table.jobs(options.table, row, [seed])]
    found = dict(zip((job.folder for job in jobs), train_all(jobs, options.jobs), strict=True))
    results = {row: [found[job.folder] for job in table.jobs(options.table, row, seeds)] for row in rows}
    print_table(options.table, table, rows, results)


if __name__ == "__main__":
    main()
