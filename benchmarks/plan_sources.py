"""What the rules of planning stand on, measured: `python -m benchmarks.plan candidates`, `spread`."""

import time
from pathlib import Path
from typing import Any

from benchmarks.real_sets import as_it_is

DATA = Path("runs/plan/data")


def candidates() -> None:
    """Of each candidate of the rules: what its columns stand on, eleven classes, 240 × 320 px, one thread."""
    import torch

    from benchmarks.export import untrained
    from imexseg.export.build import build
    from imexseg.export.metadata import ExportOptions
    from imexseg.export.verify import session
    from imexseg.export.write import for_users
    from imexseg.models.count import count_parameters
    from imexseg.plan.device import milliseconds
    from imexseg.plan.rules import PHOTOGRAPHS, SMALL_IMAGES

    torch.set_num_threads(1)
    first = 0.0
    print("| candidate | parameters | bytes above, fp32, fp16 | ms | cost |\n|---|---|---|---|---|")
    for candidate in [*PHOTOGRAPHS, SMALL_IMAGES]:
        settings = candidate.network | ({"pretrained": False} if candidate.pretrained else {})
        network = untrained(candidate.model, 3, num_classes=11, **settings)
        n = count_parameters(network)
        built = [build(network, ExportOptions((240, 320), kind)) for kind in ("fp32", "fp16")]
        files = [for_users(model).SerializeToString() for model in built]
        above = [len(content) - n * size for content, size in zip(files, (4, 2), strict=True)]
        file = session(files[0], 1)
        image = torch.zeros(1, 240, 320, 3, dtype=torch.uint8).numpy()
        ms = milliseconds(lambda file=file, image=image: file.run(["classes"], {"image": image}))
        step = _seconds_of_a_step(network.train())
        first = first or step
        said = f"{candidate.model} {candidate.network or ''}".strip()
        print(f"| {said} | {n} | {above[0]}, {above[1]} | {ms:.1f} | {step / first:.2f} |", flush=True)


def _seconds_of_a_step(network: Any) -> float:
    """Forward and backward, of one image of 240 × 320 px; the fastest of three."""
    import torch

    image, times = 255 * torch.rand(2, 3, 240, 320), []
    for _ in range(4):
        started = time.perf_counter()
        network.at_own_scale(image).square().mean().backward()
        times.append(time.perf_counter() - started)
    return min(times[1:])


def spread(source: Path) -> None:
    """Half the width of the interval of 95 % of scores on n images, times √n: the shipped `people` on images of CCP."""
    import numpy as np

    from imexseg.data.description.data_yaml import load_description
    from imexseg.evaluation.evaluate import evaluate
    from imexseg.evaluation.scores import Scores
    from imexseg.inference.open import open_predictor

    description = load_description(as_it_is("ccp", source, DATA / "ccp"))
    predictor = open_predictor("people")
    matrices = np.array([m for split in ("val", "test") for m in evaluate(predictor, description, split).confusions])
    random = np.random.default_rng(0)
    for n in (5, 10, 20, 40):
        draws = (matrices[random.choice(len(matrices), n, replace=False)].sum(0) for _ in range(2000))
        low, high = np.quantile([100 * Scores(tuple(description.names), d, n).miou for d in draws], [0.025, 0.975])
        print(f"{n} images: ± {(high - low) / 2:.1f} points, times the root {(high - low) / 2 * n**0.5:.1f}")
