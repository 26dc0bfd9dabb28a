import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dsarray._grid import offsets
from dsarray._reshape_plan import box_pieces, find_groups, flat_boxes
from tests.dsarray.strategies import cuts, modest


@modest
@given(data=st.data(), shape=st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_a_range_of_elements_is_a_few_boxes_in_order(data, shape):
    n = int(np.prod(shape))
    start = data.draw(st.integers(0, n))
    stop = data.draw(st.integers(start, n))
    values = np.arange(n).reshape(shape)
    boxes = flat_boxes(shape, start, stop)
    found = np.concatenate([np.zeros(0, int), *[values[box].ravel() for box in boxes]])
    np.testing.assert_array_equal(found, np.arange(start, stop))
    assert len(boxes) <= 2 * len(shape) - 1


@modest
@given(data=st.data(), n=st.integers(0, 8))
def test_the_pieces_of_a_range_lie_in_order_in_the_blocks(data, n):
    ends = offsets(data.draw(cuts(n)))
    start = data.draw(st.integers(0, n))
    stop = data.draw(st.integers(start, n))
    pieces = box_pieces(ends, slice(start, stop))
    whole = [range(a, b) for a, b in itertools.pairwise(ends)]
    found = [i for block, part in pieces for i in (whole[block] if part is None else whole[block][part])]
    assert found == list(range(start, stop))
    assert pieces


def test_axes_fall_into_the_shortest_runs_of_equal_size():
    groups = find_groups(((4,), (6,), (1,), (5,)), (1, 8, 3, 5), 8)
    assert [(group.old, group.new) for group in groups] == [((0, 1), (1, 2)), ((3,), (3,))]
