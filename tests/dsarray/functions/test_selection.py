import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dsarray as ds
from tests.dsarray.strategies import assert_alike, assert_same, blocked, pairs

few = settings(deadline=None, max_examples=60, derandomize=True)
x = np.arange(35).reshape(7, 5)
a = ds.array(x, block_size=(3, 2))
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5)


@few
@given(pair=pairs(["int32", "float64"], SHAPES), data=st.data())
def test_take_gives_what_numpy_gives(pair, data):
    values, array = pair
    axis = data.draw(st.none() | st.integers(-values.ndim, max(0, values.ndim - 1)))
    positions = data.draw(hnp.arrays("int64", st.sampled_from([(), (3,), (0,), (2, 2)]), elements=st.integers(-6, 6)))
    mode = data.draw(st.sampled_from(["raise", "wrap", "clip"]))
    ours = data.draw(st.sampled_from([positions, positions.tolist()]) | blocked(positions))
    given_ = positions.tolist() if isinstance(ours, list) else positions
    assert_alike(
        lambda: np.take(array, ours, axis=axis, mode=mode), lambda: np.take(values, given_, axis=axis, mode=mode)
    )


def test_take_stores_into_out_and_refuses_other_positions():
    out = ds.zeros((2, 5), dtype=x.dtype, block_size=1)
    assert np.take(a, [6, 0], axis=0, out=out) is out
    assert_same(out, x[[6, 0]])
    assert_same(a.take([3, 33]), x.take([3, 33]))
    for bad in [
        {"indices": np.array([1.5])},
        {"indices": [1], "mode": "zz"},
        {"indices": [99]},
        {"indices": [1], "axis": 2},
    ]:
        assert_alike(lambda bad=bad: np.take(a, **bad), lambda bad=bad: np.take(x, **bad))


@few
@given(pair=pairs(["int32"], SHAPES), data=st.data())
def test_compress_and_extract_give_what_numpy_gives(pair, data):
    values, array = pair
    axis = data.draw(st.none() | st.integers(0, max(0, values.ndim - 1)))
    condition = data.draw(hnp.arrays(st.sampled_from(["bool", "int8"]), st.integers(0, 9), elements=st.integers(0, 1)))
    ours = data.draw(st.just(condition) | blocked(condition))
    assert_alike(lambda: np.compress(ours, array, axis=axis), lambda: np.compress(condition, values, axis=axis))
    assert_alike(lambda: np.extract(array > 2, array), lambda: np.extract(values > 2, values))
    assert_alike(lambda: np.extract(ours, array), lambda: np.extract(condition, values))


@few
@given(pair=pairs(["int8", "float64", "bool", "complex128"], SHAPES))
def test_what_is_found_is_what_numpy_finds(pair):
    values, array = pair
    assert_alike(lambda: np.argwhere(array), lambda: np.argwhere(values))
    assert_alike(lambda: np.flatnonzero(array), lambda: np.flatnonzero(values))
    for axis in range(max(1, values.ndim)):
        assert_alike(lambda axis=axis: np.nonzero(array)[axis], lambda axis=axis: np.nonzero(values)[axis])
        assert_alike(lambda axis=axis: np.where(array)[axis], lambda axis=axis: np.where(values)[axis])
        assert_alike(lambda axis=axis: array.nonzero()[axis], lambda axis=axis: values.nonzero()[axis])


def test_where_chooses_with_three_arguments_and_refuses_two():
    assert_same(np.where(a > 3, a, 0), np.where(x > 3, x, 0))
    with pytest.raises(ValueError, match="both or neither"):
        np.where(a > 3, a)


def test_what_is_found_selects_it_again():
    assert_same(a[np.nonzero(a % 3)], x[np.nonzero(x % 3)])


def test_nonzero_of_a_sparse_array_does_not_count_stored_zeros():
    dense = np.array([[0, 1, 0], [2, 0, 3], [0, 0, 0], [0, 5, 0]])
    matrix = scipy.sparse.csr_matrix(dense)
    matrix.data[1] = 0
    dense[1, 0] = 0
    for ours, expected in zip(np.nonzero(ds.array(matrix, block_size=(3, 2))), np.nonzero(dense), strict=True):
        assert_same(ours, expected)


@few
@given(data=st.data(), mode=st.sampled_from(["raise", "wrap", "clip"]))
def test_choose_gives_what_numpy_gives(data, mode):
    shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=2, max_side=4))
    which = data.draw(hnp.arrays("int64", shape, elements=st.integers(-2, 4) if mode != "raise" else st.integers(0, 2)))
    choices = [np.full(shape, 1), np.full(shape, 2.5), 7]
    ours = [data.draw(blocked(choices[0])), choices[1], 7]
    array = data.draw(blocked(which))
    assert_alike(lambda: np.choose(array, ours, mode=mode), lambda: np.choose(which, choices, mode=mode))


def test_choose_takes_an_array_of_choices_and_raises_for_wrong_ones():
    which = ds.array(np.array([0, 1, 0]), block_size=2)
    assert_same(np.choose(which, a[:2, :3]), np.choose(np.array([0, 1, 0]), x[:2, :3]))
    assert_alike(lambda: np.choose(which, []), lambda: np.choose(np.array([0, 1, 0]), []))
    assert_alike(lambda: np.choose(which + 5, [1, 2]), lambda: np.choose(np.array([5, 6, 5]), [1, 2]))
    assert_alike(lambda: np.choose(which * 1.0, [1, 2]), lambda: np.choose(np.array([0.0]), [1, 2]))


def test_select_gives_what_numpy_gives():
    assert_same(np.select([a < 5, a > 20], [a, a * 0.5], 7), np.select([x < 5, x > 20], [x, x * 0.5], 7))
    assert_same(np.select([x < 5, a > 20], [1, x[0]]), np.select([x < 5, x > 20], [1, x[0]]))
    for conditions, choices in [([a < 5], []), ([a], [a])]:
        numpys = [np.asarray(each) for each in conditions], [np.asarray(each) for each in choices]
        assert_alike(lambda c=conditions, d=choices: np.select(c, d), lambda n=numpys: np.select(*n))


def test_flat_positions_and_indices_are_turned_into_each_other():
    flat = ds.array(np.array([[0, 34], [7, 12]]), block_size=1)
    expected = np.unravel_index(np.asarray(flat), (7, 5))
    ours = np.unravel_index(flat, (7, 5))
    for one, other in zip(ours, expected, strict=True):
        assert_same(one, other)
    assert_same(np.ravel_multi_index(ours, (7, 5)), np.asarray(flat))
    assert_same(np.ravel_multi_index(ours, (3, 5), mode="wrap"), np.ravel_multi_index(expected, (3, 5), mode="wrap"))
    assert_alike(lambda: np.unravel_index(flat, (5, 5))[0], lambda: np.unravel_index(np.asarray(flat), (5, 5))[0])
    assert_alike(lambda: np.unravel_index(flat * 1.0, 99)[0], lambda: np.unravel_index(np.asarray(flat) * 1.0, 99)[0])
    assert_same(np.unravel_index(flat, 99)[0], np.asarray(flat))
