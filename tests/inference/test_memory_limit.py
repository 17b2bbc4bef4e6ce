"""Images that would take more than a limit are cut, or made smaller; the choice follows from sizes alone."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from test_tiling import Brightness, network

from imexseg.cli.main import main
from imexseg.data.read.header import stored_size
from imexseg.data.read.mask_files import read_mask
from imexseg.data.read.windows import array_source
from imexseg.errors import UsageError
from imexseg.inference import memory_limit
from imexseg.inference.footprint import Footprint, counted
from imexseg.inference.live_tensors import most_bytes
from imexseg.inference.memory_limit import MemoryLimit
from imexseg.inference.reduced import ReducedPredictor
from imexseg.inference.tiling import TiledPredictor

MIB = 1 << 20


class Sized(Brightness):
    """Takes so many bytes a pixel. Sees 20 px far."""

    def __init__(self, per_pixel: float, long_side: int | None = None):
        super().__init__()
        self.footprint = Footprint(MIB, per_pixel)
        self.seen_radius, self.long_side = 20, long_side
        self.info = type("Info", (), {**vars(Brightness.info), "names": ["dark", "light"]})()


def test_bytes_of_tensors_are_counted_while_they_live():
    def work() -> torch.Tensor:
        a = torch.zeros(1000)  # 4000 bytes
        b = a + 1
        del a
        c = b.view(10, 100).double()  # a view takes nothing, 8000 bytes are added to those of b
        del b
        return torch.cat([c, c]).sum()  # 8000 and 16000

    assert most_bytes(work) == 24_008


def test_a_footprint_is_the_line_through_two_sizes():
    found = counted(lambda side: 1000 + 30 * side**2, None, 1.0)
    assert found == Footprint(1000, 30)
    assert found.of(100) == 4000
    assert found.scaled(2).plus(1) == Footprint(1000, 121)


def test_the_footprint_of_a_network_holds_for_larger_images():
    predictor = network("imex-lean", n_steps=2)
    with torch.inference_mode():
        there = most_bytes(lambda: predictor.network(torch.zeros(1, 1, 480, 640)).softmax(1))
    per_pixel = 4 * (2 + 3) + 1  # beside the network, see Predictor.footprint
    assert there <= predictor.footprint.of(480 * 640) - per_pixel * 480 * 640 <= 1.5 * there


def test_the_largest_tile_that_fits_computes_least(monkeypatch: pytest.MonkeyPatch):
    source = array_source(np.zeros((3000, 4000, 1), np.uint8))
    tiles = []
    for mebibytes in (350, 400, 500, 800, 1500):
        limit = MemoryLimit(Sized(300), mebibytes * MIB, resident=20 * MIB)
        assert not limit.fits(3000, 4000)
        chosen = limit.pieces(source, "image")
        assert isinstance(chosen, TiledPredictor)
        assert limit._tile_bytes(chosen.tile, 4000) + source.held < limit.room
        tiles.append(chosen.tile)
        assert f"cut into tiles of {chosen.tile} px" in limit.reason(source, chosen)
    assert tiles == sorted(tiles)
    assert tiles[0] < tiles[-1] < 4000
    assert MemoryLimit(Sized(300), 5000 * MIB, resident=0).fits(3000, 4000)


def test_too_little_memory_is_said_with_what_is_needed():
    with pytest.raises(
        UsageError, match=r"--max-memory 10 MiB: is too small for any tile.*takes 20 MiB already; give 2\d MiB"
    ):
        MemoryLimit(Sized(300), 10 * MIB, resident=20 * MIB)
    source = array_source(np.zeros((3000, 4000, 1), np.uint8))
    limit = MemoryLimit(Sized(300), 30 * MIB, resident=20 * MIB)
    with pytest.raises(
        UsageError, match=r"x.png: --max-memory 30 MiB is too small for any tile of 4000 x 3000 px; give"
    ) as said:
        limit.pieces(source, "x.png")
    needed = int(str(said.value).split("give ")[1].split(" MiB")[0])
    assert MemoryLimit(Sized(300), needed * MIB, resident=20 * MIB).pieces(source, "x.png").tile >= 64
    with pytest.raises(UsageError, match="too small for this image"):
        MemoryLimit(Sized(300, 256), 30 * MIB, resident=20 * MIB).pieces(source, "x.png")


@pytest.mark.parametrize(("height", "width", "factor"), [(300, 211, 3), (64, 64, 2), (97, 130, 7)])
def test_what_is_made_smaller_and_larger_again_covers_the_image(height: int, width: int, factor: int, monkeypatch):
    monkeypatch.setattr("imexseg.inference.reduced.STRIP", 5 * width)
    ramp = np.add.outer(np.arange(height), np.arange(width)) * (255 / (height + width))
    image = ramp[..., None].astype(np.uint8)
    predictor = Brightness()
    blocks = list(ReducedPredictor(predictor, factor).blocks(array_source(image)))
    assert len(blocks) > 3
    found = np.concatenate([block.probabilities for block in blocks], axis=1)
    inner = (slice(None), slice(factor, -factor), slice(factor, -factor))
    np.testing.assert_allclose(found[inner], predictor.segment(image).probabilities[inner], atol=2.5 / 255)
    np.testing.assert_allclose(found.sum(0), 1, atol=1e-6)


def test_weights_of_one_scale_say_nearly_the_same_of_an_image_made_smaller():
    predictor = network("imex-lean", n_steps=2, long_side=64)
    noise = np.random.default_rng(0).integers(0, 256, (12, 16, 1)).astype(np.float32)
    image = np.clip(
        torch.nn.functional.interpolate(torch.from_numpy(noise[None, ..., 0])[None], (640, 512), mode="bicubic")[
            0, 0
        ].numpy(),
        0,
        255,
    )
    found = ReducedPredictor(predictor, 2).disagreement(array_source(image.astype(np.uint8)[..., None]))
    assert found is not None
    assert found.pixels < 0.01
    assert found.probability < 0.05


def test_sizes_are_read_from_headers(tmp_path: Path):
    image = np.zeros((30, 50, 3), np.uint8)
    for suffix in ("png", "jpg", "tif", "bmp", "webp", "gif"):
        Image.fromarray(image).save(tmp_path / f"x.{suffix}")
        assert stored_size(tmp_path / f"x.{suffix}") == (30, 50)
    tifffile.imwrite(
        tmp_path / "bands.tif", np.zeros((30, 50, 7), np.uint16), photometric="minisblack", planarconfig="contig"
    )
    np.save(tmp_path / "x.npy", image)
    assert stored_size(tmp_path / "bands.tif") == stored_size(tmp_path / "x.npy") == (30, 50)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert stored_size(tmp_path / "broken.png") is None
    assert stored_size(tmp_path / "missing.jpg") is None


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program itself takes nothing, so that a limit is that of the images."""
    monkeypatch.setattr(memory_limit, "resident_bytes", lambda: 0)


def test_predict_cuts_what_would_take_more(
    trained_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], little_memory: None
):
    noise = np.random.default_rng(0).integers(0, 256, (420, 330)).astype(np.uint8)
    paths = [tmp_path / "a.png", tmp_path / "b.png", tmp_path / "c.png"]
    for path, side in zip(paths, (60, 420, 62), strict=True):
        Image.fromarray(noise[:side, :side]).save(path)
    command = ["predict", *map(str, paths), "--weights", str(trained_run)]
    assert main([*command, "--output", str(tmp_path / "auto"), "--max-memory", "16MiB"]) == 0
    err = capsys.readouterr().err
    said = [line for line in err.splitlines() if "cut into tiles of" in line]
    assert len(said) == 1
    assert "b.png: 330 x 420 px as a whole would take " in said[0]
    tile = said[0].split("tiles of ")[1].split(" px")[0]
    assert 64 <= int(tile) < 330
    assert main([*command, "--output", str(tmp_path / "tiles"), "--tile", tile]) == 0
    assert main([*command, "--output", str(tmp_path / "whole")]) == 0
    assert "cut into tiles" not in capsys.readouterr().err
    masks = {
        kind: [read_mask(tmp_path / f"{kind}/{path.stem}_mask.png") for path in paths]
        for kind in ("auto", "tiles", "whole")
    }
    assert np.array_equal(masks["auto"][1], masks["tiles"][1])
    assert all(np.array_equal(masks["auto"][k], masks["whole"][k]) for k in (0, 2))
    assert main([*command, "--output", str(tmp_path / "auto"), "--skip-existing"]) == 0
    assert "3 skipped" in capsys.readouterr().err
    assert main([*command, "--output", str(tmp_path / "none"), "--max-memory", "2MiB"]) == 1
    err = capsys.readouterr().err
    assert "b.png: --max-memory 2 MiB is too small for any tile of 330 x 420 px; give " in err
    assert (tmp_path / "none/a_mask.png").exists()


def test_without_a_limit_a_program_that_is_large_itself_has_room_left():
    assert MemoryLimit(Sized(100), None, 1 << 30).limit == 2 << 30
    assert MemoryLimit(Sized(100), None, 7 << 30).room >= 1 << 29
    with pytest.raises(UsageError, match="--max-memory 2 GiB: is too small for any tile"):
        MemoryLimit(Sized(100), 2 << 30, 7 << 30)


@pytest.mark.parametrize("text", ["2", "2Gib", "-1GB", "GiB", "1e3MB", "0MB", "nan GiB", ""])
def test_a_size_without_sense_is_refused(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["predict", str(tmp_path), f"--max-memory={text}"]) == 2
    assert "argument --max-memory: " in capsys.readouterr().err


def test_limits_that_exclude_each_other_or_hold_nothing_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(tmp_path / "x.png")
    for more, expected in (
        (["--tile", "64"], "--tile: does not go with --max-memory"),
        (["--probabilities"], "--probabilities: does not go with --max-memory"),
        ([], "--max-memory 20 MiB: is too small for any tile: the program with its weights takes "),
    ):
        assert (
            main(
                ["predict", str(tmp_path / "x.png"), "--output", str(tmp_path / "out"), "--max-memory", "20MiB", *more]
            )
            == 2
        )
        assert expected in capsys.readouterr().err
