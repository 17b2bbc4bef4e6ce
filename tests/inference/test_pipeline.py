"""Many images side by side: the same files as one after the other, in order, whatever fails or ends early."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from imexseg.data.read.images import read_image
from imexseg.errors import JobError, WriteError
from imexseg.inference import pipeline
from imexseg.inference.open import open_predictor
from imexseg.inference.pipeline import Job, Wanted, predict_images
from imexseg.inference.prediction import Prediction

LANES = 3


class Threshold:
    """A network for these tests: class 1 from a grey value on. It notes who is inside of it at the same time."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.long_side = None
        self.info = SimpleNamespace(
            data={},
            in_channels=1,
            full_scale=255,
            pixel_range=None,
            names=["a", "b"],
            values=[0, 1],
            palette=[(0, 0, 0), (9, 9, 9)],
        )
        self.seconds = seconds
        self.lock = threading.Lock()
        self.inside: list[tuple[int, ...]] = []
        self.seen_together: list[list[tuple[int, ...]]] = []
        self.calls: list[int] = []
        self.n_threads: int | None = None
        self.threads_of_large: list[int | None] = []

    @contextmanager
    def threads(self, number: int | None) -> Iterator[None]:
        before, self.n_threads = self.n_threads, number
        yield
        self.n_threads = before

    def adaptation(self, image: np.ndarray) -> None:
        return None

    def segment(self, image: np.ndarray, name: str | Path = "image") -> Prediction:
        classes = (image[..., 0] > 127).astype(np.uint8)
        return Prediction(classes, np.stack([1 - classes, classes]).astype(np.float32))

    def classes_batch(self, images: list[np.ndarray], name: str | Path = "image") -> list[np.ndarray]:
        with self.lock:
            self.inside.append(images[0].shape)
            self.seen_together.append(list(self.inside))
            self.calls.append(len(images))
            self.threads_of_large += [self.n_threads] * (images[0].size > pipeline.ALONE)
        time.sleep(self.seconds)
        with self.lock:
            self.inside.remove(images[0].shape)
        if any(image[0, 0, 0] == 13 for image in images):
            raise JobError(f"{name}: 13 does not fit in memory")
        return [self.segment(image).classes for image in images]


@pytest.fixture(autouse=True)
def lanes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pipeline, "usable_cores", lambda: LANES)


def write_images(folder: Path, sizes: list[tuple[int, int]], corner: dict[int, int] | None = None) -> list[Path]:
    """Noise of so many rows and columns. Args: corner: image ↦ its first pixel."""
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(5)
    paths = []
    for number, size in enumerate(sizes):
        pixels = random.integers(20, 256, size, dtype=np.uint8)
        pixels[0, 0] = (corner or {}).get(number, 20)
        paths.append(folder / f"{number:03}.png")
        Image.fromarray(pixels).save(paths[-1])
    return paths


def jobs_of(paths: list[Path], out: Path) -> list[Job]:
    return [Job(path, out / path.stem) for path in paths]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("exported", [False, True], ids=["torch", "onnxruntime"])
def test_the_files_are_those_of_one_image_after_the_other(
    exported: bool, trained_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, imexseg_cli
):
    weights = str(trained_run)
    if exported:
        weights = str(tmp_path / "x.onnx")
        done = imexseg_cli("export", trained_run, "--dynamic", "--output", weights)
        assert done.returncode == 0, done.stderr
    sizes = [(32, 32)] * 11 + [(40, 24), (40, 24), (24, 40), (32, 32), (150, 140)] + [(32, 32)] * 3
    paths = write_images(tmp_path / "in", sizes)
    Image.fromarray(np.full((32, 32, 4), (90, 90, 90, 0), np.uint8)).save(paths[4])
    Image.fromarray(np.tile(np.array([[[9, 99, 200, 255], [200, 9, 9, 0]]], np.uint8), (32, 16, 1))).save(paths[7])
    predictor = open_predictor(weights)
    results = list(predict_images(predictor, jobs_of(paths, tmp_path / "side"), Wanted()))
    monkeypatch.setattr(pipeline, "usable_cores", lambda: 1)
    monkeypatch.setattr(pipeline, "CALL_PIXELS", 1)
    monkeypatch.setattr(pipeline, "BUNDLE_IMAGES", 1)
    again = list(predict_images(predictor, jobs_of(paths, tmp_path / "one"), Wanted()))
    assert contents(tmp_path / "side") == contents(tmp_path / "one")
    assert [result.job.path for result in results] == paths
    assert [(r.error, r.areas, r.remarks) for r in results] == [(r.error, r.areas, r.remarks) for r in again]
    assert [path for path, result in zip(paths, results, strict=True) if result.error] == [paths[4]]
    for path, result in zip(paths, results, strict=True):
        if result.error is None:
            expected = predictor.predict(read_image(path)).classes
            if path == paths[7]:
                expected[:, 1::2] = 255
            mask = np.asarray(Image.open(tmp_path / f"side/{path.stem}_mask.png"))
            np.testing.assert_array_equal(mask, expected)
            assert result.areas
            assert result.areas.classes == [int((mask == k).sum()) for k in range(4)]
            assert (result.areas.size, result.areas.ignored) == (mask.shape, int((mask == 255).sum()))


def test_probabilities_are_written_as_well(tmp_path: Path):
    paths = write_images(tmp_path / "in", [(8, 8)] * 5)
    assert len(list(predict_images(Threshold(), jobs_of(paths, tmp_path / "out"), Wanted(probabilities=True)))) == 5
    for path in paths:
        stored = np.load(tmp_path / f"out/{path.stem}_probabilities.npz")["probabilities"]
        np.testing.assert_array_equal(stored.argmax(0), np.asarray(Image.open(path)) > 127)


def test_small_images_of_one_size_share_a_call_and_large_ones_are_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pipeline, "ALONE", 64 * 64)
    large = (80, 80)
    sizes = [(8, 8)] * 20 + [large, (8, 8), (9, 8), large, large] + [(8, 8)] * 20
    network = Threshold(seconds=0.01)
    paths = write_images(tmp_path / "in", sizes)
    assert all(r.error is None for r in predict_images(network, jobs_of(paths, tmp_path / "out"), Wanted()))
    assert sum(network.calls) == len(sizes)
    assert max(network.calls) == pipeline.BUNDLE_IMAGES
    assert network.threads_of_large == [None] * 3
    for together in network.seen_together:
        assert len(together) == 1 if (*large, 1) in together else len(together) <= LANES
    assert max(map(len, network.seen_together)) > 1


def test_no_more_images_are_open_than_there_are_lanes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pipeline, "BUNDLE_BYTES", 1)
    lock, now, most = threading.Lock(), [0], [0]
    opened, written = pipeline.open_whole, pipeline.results

    def counting_open(*arguments):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        return opened(*arguments)

    def counting_results(*arguments):
        found = written(*arguments)
        with lock:
            now[0] -= 1
        return found

    monkeypatch.setattr(pipeline, "open_whole", counting_open)
    monkeypatch.setattr(pipeline, "results", counting_results)
    paths = write_images(tmp_path / "in", [(16, 16)] * 40)
    list(predict_images(Threshold(seconds=0.002), jobs_of(paths, tmp_path / "out"), Wanted()))
    assert 1 < most[0] <= LANES


def test_images_that_fail_do_not_stop_the_others(tmp_path: Path):
    paths = write_images(tmp_path / "in", [(8, 8)] * 30, corner={11: 13, 12: 13})
    paths[5].write_bytes(paths[5].read_bytes()[:40])
    paths[20].unlink()
    results = list(predict_images(Threshold(), jobs_of(paths, tmp_path / "out"), Wanted()))
    assert [result.job.path for result in results] == paths
    failed = {number: result.error for number, result in enumerate(results) if result.error}
    assert sorted(failed) == [5, 11, 12, 20]
    for number, error in failed.items():
        assert f"{number:03}.png: " in error  # each names itself, not whom it shared a call with
    assert len(contents(tmp_path / "out")) == 2 * 26


def test_ending_early_leaves_whole_files_only(tmp_path: Path):
    paths = write_images(tmp_path / "in", [(8, 8)] * 200)
    with closing(predict_images(Threshold(seconds=0.005), jobs_of(paths, tmp_path / "out"), Wanted())) as results:
        assert next(results).job.path == paths[0]
    names = set(contents(tmp_path / "out"))
    stems = {name.split("_")[0] for name in names}
    assert 1 <= len(stems) < 200
    assert names == {f"{stem}_{kind}.png" for stem in stems for kind in ("mask", "overlay")}
    for name in names:
        Image.open(tmp_path / "out" / name).load()


def test_a_disk_that_is_full_ends_it_without_half_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    paths = write_images(tmp_path / "in", [(8, 8)] * 60)
    synced = []

    def fill_up(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) > 40:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("imexseg.files.os.fsync", fill_up)
    with pytest.raises(WriteError, match=r"_(mask|overlay)\.png: cannot be written \(No space left on device\); free"):
        list(predict_images(Threshold(), jobs_of(paths, tmp_path / "out"), Wanted()))
    assert len(contents(tmp_path / "out")) <= 40
    assert not list((tmp_path / "out").glob(".*"))


def test_what_is_written_after_the_end_disappears(tmp_path: Path):
    with pipeline.AppearingFiles() as files:
        files.write({tmp_path / "a": b"1", tmp_path / "b": b"2"})
    files.write({tmp_path / "c": b"3"})
    assert contents(tmp_path) == {"a": b"1", "b": b"2"}
    with pytest.raises(WriteError), pipeline.AppearingFiles() as files:
        files.write({tmp_path / "d": b"4", tmp_path / "a/e": b"5"})
    assert contents(tmp_path) == {"a": b"1", "b": b"2"}
