import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import dsarray as ds
from dsarray.functions import _lanes
from tests.dsarray.strategies import assert_same, modest, pairs

x = np.arange(60).reshape(3, 4, 5)
a = ds.array(x, block_size=(2, 2, 2))


@modest
@given(pair=pairs(["int64"]), data=st.data())
def test_whole_lanes_are_the_same_array(pair, data):
    values, array = pair
    axes = data.draw(st.sets(st.integers(0, values.ndim - 1)) if values.ndim else st.just(set()))
    lanes = _lanes.whole_lanes(array, tuple(axes))
    assert_same(lanes, values)
    assert all(lanes.grid[axis] == 1 for axis in axes)


def test_blocks_do_not_grow_where_other_axes_can_be_cut():
    array = ds.zeros((100, 100), block_size=(10, 100))
    lanes = _lanes.whole_lanes(array, (0,))
    assert lanes.grid[0] == 1
    assert max(lanes.chunks[1]) == 10


def test_pieces_are_cut_off_where_their_blocks_are():
    pieces = [arg for arg in _lanes.whole_lanes(a, (1,))._cells.flat[0].state.args if hasattr(arg, "anchor")]
    assert pieces
    assert all(piece.anchor for piece in pieces)


def test_each_lane_comes_back_to_its_place():
    for axis in range(3):
        assert_same(_lanes.each_lane(a, axis, lambda lane: lane[::-1]), np.flip(x, axis))


def test_the_only_lane_and_lanes_of_many_bytes_are_long(monkeypatch):
    assert _lanes.are_long(ds.zeros((1, 9), block_size=(1, 2)), 1)
    assert not _lanes.are_long(ds.zeros((1, 9)), 1)
    assert not _lanes.are_long(a, 1)
    monkeypatch.setattr(_lanes, "LONG_BYTES", 31)
    assert _lanes.are_long(a, 1)
