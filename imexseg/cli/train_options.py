"""What `imexseg train` can be told on the command line."""

import argparse
from pathlib import Path

from imexseg.cli.console import (
    crop_size,
    network_settings,
    non_negative_float,
    positive_float,
    positive_int,
    seed,
    workers,
)
from imexseg.cli.plan import add_limits

# Settings of RunConfig by these names.
FLAGS = (
    *("data", "model", "network", "epochs", "batch_size", "learning_rate", "seed", "devices", "output"),
    *("levels", "time_smoothness", "accept_licence", "augmentation", "crop", "loss", "early_stopping"),
    *("precision", "long_side", "accumulate", "num_nodes", "init_weights", "budget", "teacher", "unlabelled"),
    *("num_workers", "cache_memory", "folds"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "data", nargs="?", type=Path, metavar="DATA", help="a folder with data.yaml, or the file itself"
    )
    parser.add_argument("--model", metavar="NAME", help="a name that `imexseg models` lists (default: planned)")
    parser.add_argument(
        "--network",
        type=network_settings,
        action="append",
        metavar="KEY=VALUE,...",
        help="settings of the network: dynamics=hamiltonian-imex,operator=dense; a list has one value per scale: width=16+24",
    )
    parser.add_argument(
        "--epochs", type=positive_int, metavar="N", help="passes over the images (default: the network's recipe)"
    )
    parser.add_argument(
        "--early-stopping", type=positive_int, metavar="N", help="stop after N epochs without a higher val mIoU"
    )
    parser.add_argument(
        "--folds",
        type=positive_int,
        metavar="K",
        help="then train on K shares of all images in turn: a score that rests on every image, for K times the time",
    )
    parser.add_argument(
        "--batch-size",
        type=positive_int,
        metavar="N",
        help="images per batch, over all devices (default: the network's recipe)",
    )
    parser.add_argument(
        "--accumulate", type=positive_int, metavar="N", help="batches per step of the optimiser (default: 1)"
    )
    parser.add_argument(
        "--learning-rate",
        type=positive_float,
        metavar="F",
        help="peak of the one-cycle schedule (default: the network's recipe)",
    )
    parser.add_argument(
        "--loss",
        metavar="NAME",
        help="cross-entropy, dice, focal, lovasz, or a sum: cross-entropy+0.5*dice (default: cross-entropy)",
    )
    parser.add_argument(
        "--augmentation",
        metavar="NAME",
        help="none, symmetries, light, strong, or a YAML list of albumentations (default: the network's recipe)",
    )
    parser.add_argument(
        "--crop",
        type=crop_size,
        metavar="N",
        help="train on pieces of N or HxW pixels, half of them around rare classes",
    )
    parser.add_argument(
        "--long-side",
        type=positive_int,
        metavar="N",
        help="scale every image to a longer side of N pixels, in training and in prediction",
    )
    parser.add_argument("--seed", type=seed, metavar="S", help="same seed, same machine, same weights (default: 0)")
    parser.add_argument("--output", type=Path, metavar="DIR", help="run folder (default: a fresh runs/<model>-<date>)")
    parser.add_argument(
        "--init-weights",
        metavar="W",
        help="fine-tune a weights file, a run folder, or shipped weights by name; whatever fits is copied",
    )
    parser.add_argument(
        "--teacher",
        action="append",
        metavar="W",
        help="learn from what these weights or this .onnx say of the images too; repeated: from their mean",
    )
    parser.add_argument(
        "--unlabelled", type=Path, metavar="FOLDER", help="images without masks that a teacher is asked about"
    )
    parser.add_argument("--config", type=Path, metavar="FILE.yaml", help="a file of settings; flags take precedence")
    parser.add_argument("--devices", type=positive_int, metavar="N", help="GPUs, or CPU processes (default: 1)")
    parser.add_argument(
        "--num-nodes", type=positive_int, metavar="N", help="machines, with --devices on each (default: 1)"
    )
    parser.add_argument(
        "--num-workers",
        type=workers,
        metavar="N",
        help="processes that prepare images; the weights do not depend on it (default: auto, 0 where that is fast enough)",
    )
    parser.add_argument(
        "--cache-memory", metavar="SIZE", help="for decoded images, such as 4GiB; 0MB keeps none (default: 1GiB)"
    )
    parser.add_argument("--precision", metavar="P", help="32, 16-mixed (CUDA), or bf16-mixed (default: 32)")
    parser.add_argument(
        "--levels",
        type=positive_int,
        metavar="N",
        help="begin with images halved N-1 times, then N-2 times, and so on (default: 1)",
    )
    parser.add_argument(
        "--time-smoothness",
        type=non_negative_float,
        metavar="F",
        help="weight of the penalty on changes of the kernels from step to step (default: 0)",
    )
    parser.add_argument(
        "--accept-licence", action="store_true", default=None, help="accept the licence of an encoder that requires it"
    )
    add_limits(parser)
    parser.add_argument(
        "--resume",
        type=Path,
        metavar="RUN",
        help="continue an interrupted run, or, with more --epochs, a finished one",
    )
