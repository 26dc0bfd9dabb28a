import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dsarray as ds
from dsarray import _indexing
from tests.dsarray.strategies import assert_alike, assert_same, blocked

few = settings(deadline=None, max_examples=60, derandomize=True)
x = np.arange(35).reshape(7, 5)
a = ds.array(x, block_size=(3, 2))


@st.composite
def cases(draw, *, may_broadcast):
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=5))
    axis = draw(st.integers(0, len(shape) - 1))
    n = shape[axis]
    own = [1 if draw(st.integers(0, 4)) == 0 else length for length in shape]
    own[axis] = draw(st.integers(0, 4)) if n else 0
    if may_broadcast:
        shape = [1 if draw(st.integers(0, 4)) == 0 else length for length in shape]
        shape[axis] = n
    values = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    positions = draw(hnp.arrays("int64", tuple(own), elements=st.integers(-n, max(0, n - 1))))
    return values, draw(blocked(values)), positions, draw(st.sampled_from([axis, axis - len(shape)]))


@few
@given(case=cases(may_broadcast=True), data=st.data())
def test_what_is_looked_up_along_an_axis_is_what_numpy_finds(case, data):
    values, array, positions, axis = case
    ours = data.draw(st.just(positions) | blocked(positions))
    assert_alike(lambda: np.take_along_axis(array, ours, axis), lambda: np.take_along_axis(values, positions, axis))


@few
@given(case=cases(may_broadcast=False), data=st.data())
def test_what_is_put_along_an_axis_is_where_numpy_puts_it(case, data):
    values, array, positions, axis = case
    ours = data.draw(st.just(positions) | blocked(positions))
    new = 100 + np.arange(positions.size).reshape(positions.shape)
    new = data.draw(st.sampled_from([new, np.array(7), new * 1.5]))
    our_new = data.draw(st.just(new) | blocked(new))
    expected = values.copy()
    chunks = array.chunks
    np.put_along_axis(expected, positions, new, axis)
    np.put_along_axis(array, ours, our_new, axis)
    assert_same(array, expected)
    assert array.chunks == chunks


def test_an_array_is_sorted_by_its_order():
    values = np.random.default_rng(1).permuted(x, axis=0)
    order = ds.array(np.argsort(values, axis=0), block_size=(2, 3))
    assert_same(np.take_along_axis(ds.array(values, block_size=3), order, 0), np.sort(values, axis=0))


def test_without_an_axis_all_elements_are_in_one():
    assert_same(np.take_along_axis(a, np.array([34, 0]), None), np.array([34, 0]))
    b, y = a.copy(), x.copy()
    np.put_along_axis(b, np.array([34, 0]), 9, None)
    np.put_along_axis(y, np.array([34, 0]), 9, None)
    assert_same(b, y)


@pytest.mark.parametrize(
    ("indices", "axis"),
    [
        (np.array([[1.0]]), 0),
        (np.array([[5, 9]]), 1),
        (np.array([1]), 0),
        (np.array([[1]]), None),
        (np.array([[1]]), 2),
        (np.zeros((3, 5), int), 1),
    ],
)
def test_wrong_positions_raise_what_numpy_raises(indices, axis):
    assert_alike(lambda: np.take_along_axis(a, indices, axis), lambda: np.take_along_axis(x, indices, axis))
    assert_alike(lambda: np.take_along_axis(a, ds.array(indices), axis), lambda: np.take_along_axis(x, indices, axis))
    assert_alike(lambda: np.put_along_axis(a, indices, 0, axis), lambda: np.put_along_axis(x, indices, 0, axis))


@few
@given(data=st.data(), others=st.sampled_from([(), (0,), (None,), (slice(None, None, -1),)]))
def test_many_positions_give_the_same_without_coming_here(data, others):
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=5))
    values = np.arange(np.prod(shape)).reshape(shape)
    axis = len([each for each in others if each is not None])
    positions = data.draw(hnp.arrays("int8", st.integers(1, 9), elements=st.integers(-shape[axis], shape[axis] - 1)))
    array, ours = data.draw(blocked(values)), data.draw(blocked(positions))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_indexing, "MANY", 0)
        assert_same(array[(*others, ours)], values[(*others, positions)])
        assert_same(
            array[(..., 0 if axis else slice(None), ours * 0)], values[(..., 0 if axis else slice(None), positions * 0)]
        )


def test_many_positions_out_of_bounds_are_an_error_at_once(monkeypatch):
    monkeypatch.setattr(_indexing, "MANY", 0)
    with pytest.raises(IndexError, match="out of bounds"):
        a[ds.array([0, 7])]
    with pytest.raises(IndexError, match="out of bounds"):
        a[ds.array([0, -8])]
