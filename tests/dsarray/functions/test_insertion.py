import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dsarray as ds
from tests.dsarray.strategies import assert_alike, assert_same, blocked, pairs

few = settings(deadline=None, max_examples=60, derandomize=True)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5)
x = np.arange(35).reshape(7, 5)
a = ds.array(x, block_size=(3, 2))

places = (
    st.integers(-5, 5)
    | st.lists(st.integers(-5, 5), max_size=4)
    | st.slices(5)
    | hnp.arrays("int64", st.integers(0, 4), elements=st.integers(-4, 4))
)


@few
@given(pair=pairs(["int32", "float64"], SHAPES), data=st.data())
def test_delete_gives_what_numpy_gives(pair, data):
    values, array = pair
    axis = data.draw(st.none() | st.integers(-values.ndim, max(0, values.ndim - 1)))
    where = data.draw(places | hnp.arrays(bool, st.integers(0, 5)))
    assert_alike(lambda: np.delete(array, where, axis), lambda: np.delete(values, where, axis))


@few
@given(pair=pairs(["int32", "float64"], SHAPES), data=st.data())
def test_insert_gives_what_numpy_gives(pair, data):
    values, array = pair
    axis = data.draw(st.none() | st.integers(-values.ndim, max(0, values.ndim - 1)))
    where = data.draw(places)
    rest = values.size if axis is None else (values.shape[axis] if values.ndim else 1)
    shape = data.draw(st.sampled_from([(), (1,), (2,), (rest,), values.shape, values.shape[1:]]))
    new = 50 + np.arange(np.prod(shape, dtype=int)).reshape(shape)
    ours = data.draw(st.just(new) | blocked(new))
    assert_alike(lambda: np.insert(array, where, ours, axis), lambda: np.insert(values, where, new, axis))


@few
@given(pair=pairs(["int32", "float64"], SHAPES), axis=st.none() | st.integers(-1, 2), data=st.data())
def test_append_gives_what_numpy_gives(pair, axis, data):
    values, array = pair
    new = data.draw(st.sampled_from([values, np.array(3), values[:0] if values.ndim else values]))
    ours = data.draw(st.just(new) | blocked(new))
    assert_alike(lambda: np.append(array, ours, axis), lambda: np.append(values, new, axis))


def test_a_row_that_is_deleted_leaves_other_blocks_as_they_are(tasks):
    part = np.delete(a, 0, axis=0)
    assert part._cells[1, 1] is a._cells[1, 1]
    assert tasks.n == 0


@pytest.mark.parametrize("where", [7, [1.5], [9, 1], [True], "a"])
def test_wrong_positions_raise_what_numpy_raises(where):
    assert_alike(lambda: np.delete(a, where, 0), lambda: np.delete(x, where, 0))
    assert_alike(lambda: np.insert(a, [1, 9], 0, 0), lambda: np.insert(x, [1, 9], 0, 0))
    assert_alike(lambda: np.insert(a, 9, 0, 0), lambda: np.insert(x, 9, 0, 0))


def test_values_are_cast_to_the_type_of_the_array():
    assert_same(np.insert(a, [1, 1, 4], 1.7, axis=1), np.insert(x, [1, 1, 4], 1.7, axis=1))


def test_many_values_at_one_place_keep_their_order():
    values = np.arange(300)
    where = [1, 2] * 20
    assert_same(
        np.insert(ds.array(values, block_size=7), where, np.arange(40)), np.insert(values, where, np.arange(40))
    )
