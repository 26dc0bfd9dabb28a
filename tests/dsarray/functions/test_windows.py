import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import dsarray as ds
from dsarray.functions._windows import from_windows, shortened, windows
from tests.dsarray.strategies import assert_same, blocked


@settings(deadline=None, max_examples=60, derandomize=True)
@given(data=st.data(), axis=st.integers(0, 1))
def test_a_window_holds_what_lies_between_its_bounds(data, axis):
    values = np.arange(42).reshape(7, 6)
    array = data.draw(blocked(values))
    n = values.shape[axis]
    bounds = [tuple(sorted(pair)) for pair in data.draw(st.lists(st.tuples(*[st.integers(0, n)] * 2), min_size=1))]
    parts = windows(array, axis, bounds)
    for part, (low, high) in zip(parts, bounds, strict=True):
        chunks = (*array.chunks[:axis], (high - low,), *array.chunks[axis + 1 :])
        assert_same(ds.Array(part, chunks, values.dtype), values.take(range(low, high), axis))


def test_each_window_is_given_its_own_call():
    array = ds.array(np.arange(6), block_size=2)
    result = from_windows(array, 0, (3, 3), [(0, 3), (3, 6)], np.multiply, [10, 100], array.dtype)
    assert_same(result, np.array([0, 10, 20, 300, 400, 500]))


def test_an_axis_is_shortened_at_its_end():
    assert shortened((3, 0, 3), 4) == (3, 1)
    assert shortened((3,), 0) == (0,)
