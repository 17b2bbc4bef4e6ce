"""Images of another size than the network's."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from page_tools import WEB, node

from apps.edge.tiles import cut, tiles_along

LENGTHS = st.integers(1, 700)
SIZES = st.integers(1, 200)


@given(LENGTHS, SIZES)
def test_every_pixel_counts_in_exactly_one_tile_that_contains_it(length: int, size: int):
    tiles = tiles_along(length, size)
    assert tiles[0].begin == 0
    assert tiles[-1].end == length
    assert all(left.end == right.begin for left, right in itertools.pairwise(tiles))
    assert all(tile.start <= tile.begin < tile.end <= tile.start + size for tile in tiles)
    assert tiles[-1].start + size <= max(length, size)


@given(LENGTHS, SIZES)
def test_neighbours_overlap_by_a_quarter(length: int, size: int):
    tiles = tiles_along(length, size)
    assert all(left.start + size - right.start >= size // 4 for left, right in itertools.pairwise(tiles))


def test_an_image_of_the_networks_size_is_one_tile():
    assert tiles_along(64, 64) == [(0, 0, 64)]


@pytest.mark.parametrize("shape", [(3, 5), (8, 5), (3, 8), (8, 8)])
def test_beyond_the_edge_the_last_row_and_column_are_repeated(shape: tuple[int, int]):
    image = np.random.default_rng(0).integers(0, 255, (*shape, 3))
    window = cut(image, 0, 0, 6, 6)
    rows, columns = (np.minimum(np.arange(6), n - 1) for n in shape)
    assert (window == image[rows][:, columns]).all()


def test_the_page_cuts_in_the_same_places():
    sizes = [(length, size) for length in range(1, 300, 7) for size in (1, 2, 3, 5, 16, 63, 64, 128)]
    script = f"""
        import {{ tilesAlong }} from "{(WEB / "src/tiles.js").as_uri()}";
        const tiles = {json.dumps(sizes)}.map(([length, size]) => tilesAlong(length, size).map(Object.values));
        console.log(JSON.stringify(tiles));"""
    found = json.loads(node("--input-type=module", "-e", script))
    assert found == [[list(tile) for tile in tiles_along(*size)] for size in sizes]
