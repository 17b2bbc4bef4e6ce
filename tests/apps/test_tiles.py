"""Images of another size than the network's."""

import itertools
import json

from hypothesis import given
from hypothesis import strategies as st
from page_tools import WEB, node

from imexseg.inference.onnx_predictor import tiles_along

LENGTHS = st.integers(1, 700)
SIZES = st.integers(1, 200)


@given(LENGTHS, SIZES)
def test_every_pixel_counts_in_exactly_one_tile_that_contains_it(length: int, size: int):
    tiles = tiles_along(length, size)
    assert tiles[0][1] == 0
    assert tiles[-1][2] == length
    assert all(left[2] == right[1] for left, right in itertools.pairwise(tiles))
    assert all(start <= begin < end <= start + size for start, begin, end in tiles)
    assert tiles[-1][0] + size <= max(length, size)


@given(LENGTHS, SIZES)
def test_neighbours_overlap_by_a_quarter(length: int, size: int):
    tiles = tiles_along(length, size)
    assert all(left[0] + size - right[0] >= size // 4 for left, right in itertools.pairwise(tiles))


def test_an_image_of_the_networks_size_is_one_tile():
    assert tiles_along(64, 64) == [(0, 0, 64)]


def test_the_page_cuts_in_the_same_places():
    sizes = [(length, size) for length in range(1, 300, 7) for size in (1, 2, 3, 5, 16, 63, 64, 128)]
    script = f"""
        import {{ tilesAlong }} from "{(WEB / "src/tiles.js").as_uri()}";
        const tiles = {json.dumps(sizes)}.map(([length, size]) => tilesAlong(length, size).map(Object.values));
        console.log(JSON.stringify(tiles));"""
    found = json.loads(node("--input-type=module", "-e", script))
    assert found == [[list(tile) for tile in tiles_along(*size)] for size in sizes]
