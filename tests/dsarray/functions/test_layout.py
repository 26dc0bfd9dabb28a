import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

import dsarray as ds
from dsarray import _join
from dsarray.functions import _layout
from tests.dsarray.strategies import assert_alike, assert_same, blocked, modest, pairs

few = settings(modest, max_examples=60)
x = np.arange(24).reshape(6, 4)
a = ds.array(x, block_size=(4, 3))


@few
@given(data=st.data())
def test_mirroring_and_turning_agree_with_numpy(data):
    values, array = data.draw(pairs(["int64", "float32"]))
    axis = data.draw(st.sampled_from([None, 0, -1, 1, (0, 1), (0, 0)]))
    assert_alike(lambda: np.flip(array, axis), lambda: np.flip(values, axis))
    assert_alike(lambda: np.fliplr(array), lambda: np.fliplr(values))
    assert_alike(lambda: np.flipud(array), lambda: np.flipud(values))
    k, axes = data.draw(st.integers(-5, 5)), data.draw(st.sampled_from([(0, 1), (1, 0), (-1, 0), (1, 1), (0,)]))
    assert_alike(lambda: np.rot90(array, k, axes), lambda: np.rot90(values, k, axes))


@few
@given(data=st.data())
def test_rolling_agrees_with_numpy(data):
    values, array = data.draw(pairs(["int64"]))
    shift, axis = data.draw(
        st.sampled_from([(1, None), (-2, 0), (7, 1), ((1, 2), (0, 1)), (3, (0, -1)), ((1, 2), 0), ((1, 1), (0, 0))])
    )
    assert_alike(lambda: np.roll(array, shift, axis), lambda: np.roll(values, shift, axis))


@few
@given(data=st.data())
def test_tiling_agrees_with_numpy(data):
    values, array = data.draw(pairs(["int64", "bool"]))
    reps = data.draw(st.sampled_from([2, 0, (2, 1), (1, 3), (2, 0, 2), (), (1, 2, 1, 3), 5]))
    assert_same(np.tile(array, reps), np.tile(values, reps))


def test_many_small_tiles_are_few_blocks():
    tiled = np.tile(ds.array([1, 2, 3]), 1_000_000)
    assert tiled.shape == (3_000_000,)
    assert tiled.n_blocks < 50
    assert_same(tiled[-4:], np.array([3, 1, 2, 3]))
    assert_same(np.tile(ds.array(x, block_size=2), (3, 2)), np.tile(x, (3, 2)))


@few
@given(data=st.data())
def test_repeating_agrees_with_numpy(data):
    values, array = data.draw(pairs(["int64", "float32"]))
    axis = data.draw(st.sampled_from([None, 0, 1, -1]))
    n = values.size if axis is None else values.shape[axis] if values.ndim > axis and values.ndim else 1
    counts = data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    for repeats in (0, 1, 3, [2], np.array(counts, dtype=int)):
        assert_alike(lambda: np.repeat(array, repeats, axis), lambda: np.repeat(values, repeats, axis))


@few
@given(pair=pairs(["int64"]), n=st.integers(0, 5), n_bytes=st.sampled_from([8, 40]))
def test_repeating_and_tiling_in_small_blocks_agree_with_numpy(pair, n, n_bytes):
    """What is done for large arrays, on a small scale."""
    values, array = pair
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_layout, "LARGE_BYTES", n_bytes)
        for module in (_layout, _join):
            patch.setattr(module, "SMALL_BYTES", n_bytes)
        for axis in range(values.ndim):
            assert_same(np.repeat(array, n, axis), np.repeat(values, n, axis))
            assert_same(
                np.repeat(array, [n] * values.shape[axis], axis), np.repeat(values, [n] * values.shape[axis], axis)
            )
        assert_same(np.tile(array, (n, 2)), np.tile(values, (n, 2)))


def test_repeats_may_be_an_array_and_must_be_counts():
    counts = np.array([1, 0, 2, 3, 0, 1])
    assert_same(np.repeat(a, ds.array(counts, block_size=4), 0), np.repeat(x, counts, 0))
    assert_same(a.repeat(2), x.repeat(2))
    for wrong, error in (
        (-1, ValueError),
        ([1, -1, 1, 1, 1, 1], ValueError),
        (np.full(6, 1.5), TypeError),
        ([1, 2], ValueError),
    ):
        with pytest.raises(error):
            np.repeat(x, wrong, 0)
        with pytest.raises(error, match="repeat:"):
            np.repeat(a, wrong, 0)


def test_what_is_repeated_often_is_cut_into_blocks_of_a_moderate_size():
    long = np.repeat(ds.array(x), 1_000_000, axis=0)
    assert long.shape == (6_000_000, 4)
    assert np.prod(long.block_shape) * 8 <= 16 << 20
    assert_same(long[2_999_999:3_000_001], x[[2, 3]])


@few
@given(data=st.data())
def test_resizing_agrees_with_numpy(data):
    values, array = data.draw(pairs(["int64"]))
    shape = data.draw(st.sampled_from([5, (2, 7), (), (0, 3), (4, 3, 2), -1]))
    assert_alike(lambda: np.resize(array, shape), lambda: np.resize(values, shape))


@few
@given(data=st.data(), shape=st.sampled_from([(7,), (4, 5), (0,), (2, 3, 3)]))
def test_trimming_zeros_agrees_with_numpy(data, shape):
    values = np.array(data.draw(st.lists(st.sampled_from([0, 0, 0, 2]), min_size=200, max_size=200)))
    values = values[: int(np.prod(shape))].reshape(shape)
    array = data.draw(blocked(values))
    trim = data.draw(st.sampled_from(["fb", "f", "b", "BF", "x"]))
    axis = data.draw(st.sampled_from([None, 0, -1]))
    assert_alike(lambda: np.trim_zeros(array, trim, axis), lambda: np.trim_zeros(values, trim, axis))


def test_sparse_arrays_are_tiled_and_rolled_but_not_repeated():
    s = ds.array(scipy.sparse.csr_array(x), block_size=4)
    np.testing.assert_array_equal(np.tile(s, (2, 2)).to_dense(), np.tile(x, (2, 2)))
    np.testing.assert_array_equal(np.roll(s, 1, 0).to_dense(), np.roll(x, 1, 0))
    np.testing.assert_array_equal(np.flip(s).to_dense(), np.flip(x))
    with pytest.raises(TypeError, match="to_dense"):
        np.repeat(s, 2, 0)


def test_text_that_is_empty_is_trimmed():
    values = np.array(["", "0", "a", "", ""])
    np.testing.assert_array_equal(np.trim_zeros(ds.array(values, block_size=2)).collect(), np.trim_zeros(values))
