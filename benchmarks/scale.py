"""What an image of 12 megapixels costs a core, stage by stage, and what Ray adds: python benchmarks/scale.py [stages|listing|ray]

    stages    seconds of one core for an image of 4000 x 3000 px: fetch, decode, network, encode, send
    listing   seconds and memory to list a bucket, an object
    ray       images per second on this machine's cores with and without Ray, its start, and the memory of a worker

Seconds of a core are those that the process computed (user and system), so that other programs on the machine change them
little. The bucket is a local server's, a process of its own: its time does not count, and says nothing of a real network.
"""

import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from PIL import Image

from imexseg.inference.image_files import open_whole, results
from imexseg.inference.open import open_predictor
from imexseg.inference.pipeline import Wanted, predict_images
from imexseg.inference.placed import PlacedJob, predict_here
from imexseg.models.weights import find_weights
from imexseg.storage.places import Url
from imexseg.storage.remote import fetch, files_below, put
from imexseg.storage.scratch import scratch_folder

WIDTH, HEIGHT = 4000, 3000
REPEATS = 3
SERVER = "from moto.server import ThreadedMotoServer as S; s = S('127.0.0.1', 0, verbose=False); s.start(); " + (
    "print(s.get_host_and_port()[1], flush=True); import sys; sys.stdin.read()"
)
BUCKET = "s3://benchmark"


@contextmanager
def bucket() -> Iterator[None]:
    """A server of S3 on this machine, in the environment of this process."""
    command = [sys.executable, "-c", SERVER]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen(command, **pipes) as server:
        port = server.stdout.readline().strip()
        keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_EC2_METADATA_DISABLED": "true"}
        os.environ |= {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", **keys}
        import fsspec

        fsspec.filesystem("s3").mkdir(BUCKET)
        yield
        server.stdin.close()


def photograph(seed: int, height: int = HEIGHT, width: int = WIDTH) -> Image.Image:
    """Smooth colours with fine noise: as JPEG of quality 90 some 4 MB, as photographs have."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (12, 16, 3), dtype=np.uint8)).resize(
        (width, height), Image.BICUBIC
    )
    noise = random.normal(0, 6, (height, width, 1)).astype(np.float32)
    return Image.fromarray((np.asarray(coarse) + noise).clip(0, 255).astype(np.uint8))


def core_seconds(work: Callable[[], object]) -> tuple[float, object]:
    """The median of some runs, and what the last one returned."""
    spent = []
    for _ in range(REPEATS):
        start = time.process_time()
        result = work()
        spent.append(time.process_time() - start)
    return float(np.median(spent)), result


def stages() -> None:
    with scratch_folder() as folder, bucket():
        image = photograph(0)
        image.save(folder / "photo.jpg", quality=90)
        image.convert("L").save(folder / "grey.jpg", quality=90)
        image.save(folder / "photo.tif")
        stages_of("people-lite0", folder / "photo.jpg", None)
        stages_of("people-lite0", folder / "photo.tif", None)
        stages_of("qtips", folder / "grey.jpg", 512)


def stages_of(weights: str, path: Path, tile: int | None) -> None:
    """Args: tile: the network is measured on a piece of so many pixels squared, times how many there are, without overlap."""
    url = Url(f"{BUCKET}/{path.name}")
    put(path, url)
    predictor = open_predictor(weights)
    with predictor.threads(1):
        fetching, _ = core_seconds(lambda: fetch(url, path.with_name("copy")))
        decoding, opened = core_seconds(lambda: open_whole(path, predictor))
        piece = opened.pixels[:tile, :tile]
        network, (classes,) = core_seconds(lambda: predictor.classes_batch([piece]))
    if tile is not None:
        network *= WIDTH * HEIGHT / tile**2
        classes = np.tile(classes, (-(-HEIGHT // tile), -(-WIDTH // tile)))[:HEIGHT, :WIDTH]
    encoding, (contents, *_) = core_seconds(lambda: results(opened, classes, None, predictor.info, Wanted()))
    for ending, content in contents.items():
        path.with_name(f"r{ending}").write_bytes(content)
    sending, _ = core_seconds(lambda: [put(path.with_name(f"r{end}"), Url(f"{BUCKET}/r{end}")) for end in contents])
    mask, picture = (len(contents[ending]) / 1e6 for ending in ("_mask.png", "_overlay.png"))
    whole = fetching + decoding + network + encoding + sending
    print(
        f"{weights:13} {path.name:10} fetch {fetching:.3f}  decode {decoding:.3f}  network {network:.3f}  encode "
        f"{encoding:.3f}  send {sending:.3f}  all {whole:.2f} s of a core, {1 / whole:.3f} images/s; "
        f"file {path.stat().st_size / 1e6:.1f} MB, mask {mask:.2f} MB, overlay {picture:.1f} MB"
    )


def listing(number: int = 5000) -> None:
    with bucket():
        import fsspec

        filesystem = fsspec.filesystem("s3", use_listings_cache=False)
        filesystem.pipe({f"{BUCKET}/scans/{k:06}.jpg": b"x" for k in range(number)})
        before, start = time.process_time(), time.perf_counter()
        found = list(files_below(Url(f"{BUCKET}/scans")))
        cores, clock = time.process_time() - before, time.perf_counter() - start
        tracemalloc.start()
        list(files_below(Url(f"{BUCKET}/scans")))
        peak = tracemalloc.get_traced_memory()[1]
        print(f"{len(found)} objects: {clock:.1f} s, {cores:.2f} s of a core, {peak / number:.0f} bytes of memory each")


def ray(number: int = 120) -> None:
    from imexseg.distributed.commands import predict_on
    from imexseg.distributed.pool import opened
    from imexseg.distributed.worker import Setup

    with scratch_folder() as folder:
        paths = [folder / "in" / f"{number:03}.jpg" for number in range(number)]
        paths[0].parent.mkdir()
        for seed, path in enumerate(paths):
            photograph(seed, 750, 1000).save(path, quality=90)
        weights = find_weights("people-lite0")

        def jobs(name: str) -> list[PlacedJob]:
            return [PlacedJob(k, path, folder / name / path.stem) for k, path in enumerate(paths)]

        predictor = open_predictor(str(weights))
        start = time.perf_counter()
        here = list(predict_here(lambda some: predict_images(predictor, some, Wanted()), jobs("here")))
        print(f"without Ray: {number / (time.perf_counter() - start):.2f} images/s of 1000 x 750 px")
        start = time.perf_counter()
        with opened(None, Setup(weights.name, weights.read_bytes()), number, None) as pool:
            print(f"Ray and {len(pool.actors)} workers start in {time.perf_counter() - start:.1f} s")
            start = time.perf_counter()
            there = list(predict_on(pool, jobs("there"), Wanted()))
            print(
                f"with Ray: {number / (time.perf_counter() - start):.2f} images/s; a worker takes {_worker_mib():.0f} MiB"
            )
        same = all(
            (folder / "there" / path.name).read_bytes() == path.read_bytes() for path in (folder / "here").iterdir()
        )
        print(f"{len(here)} and {len(there)} images; the files are {'the same' if same else 'different'}")


def _worker_mib() -> float:
    """The most memory that a worker of Ray has had."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):
            if status.with_name("cmdline").read_bytes().startswith(b"ray::Worker"):
                (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
                found.append(int(line.split()[1]) / 1024)
    return max(found)


if __name__ == "__main__":
    {"stages": stages, "listing": listing, "ray": ray}[sys.argv[1] if sys.argv[1:] else "stages"]()
