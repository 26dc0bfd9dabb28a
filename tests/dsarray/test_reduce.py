import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dsarray as ds
from tests.dsarray.strategies import DTYPES, assert_alike, assert_same, modest, pairs

NAMES = ["sum", "prod", "mean", "var", "std", "min", "max", "any", "all"]

x = np.random.default_rng(0).normal(size=(30, 8))


@modest
@given(name=st.sampled_from(NAMES), pair=pairs(DTYPES), data=st.data(), keepdims=st.booleans())
def test_reductions_agree_with_numpy(name, pair, data, keepdims):
    values, array = pair
    axis = data.draw(
        st.none()
        | st.integers(-values.ndim - 1, values.ndim)
        | st.lists(st.integers(-values.ndim, values.ndim), max_size=3).map(tuple)
    )
    if values.ndim == 0 and axis is not None:
        return
    assert_alike(
        lambda: getattr(array, name)(axis=axis, keepdims=keepdims),
        lambda: getattr(np, name)(values, axis=axis, keepdims=keepdims),
        rtol=1e-5,
    )


@modest
@given(name=st.sampled_from(["argmin", "argmax"]), pair=pairs(DTYPES), data=st.data(), keepdims=st.booleans())
def test_positions_agree_with_numpy(name, pair, data, keepdims):
    values, array = pair
    axis = data.draw(st.none() | st.integers(-values.ndim, values.ndim - 1)) if values.ndim else None
    assert_alike(
        lambda: getattr(array, name)(axis=axis, keepdims=keepdims),
        lambda: getattr(np, name)(values, axis=axis, keepdims=keepdims),
    )


@pytest.mark.parametrize("name", ["argmin", "argmax"])
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_the_first_nan_and_the_first_of_equals_win(name, axis):
    values = np.array([[1.0, 2.0, 2.0], [np.nan, 1.0, np.nan], [np.nan, 2.0, np.nan], [0.0, 1.0, 2.0]])
    for rows in ([0, 1, 2, 3], [0, 3, 0, 3], [3, 2, 1, 0]):
        array = ds.array(values[rows], block_size=(1, 1))
        assert_same(getattr(array, name)(axis=axis), getattr(values[rows], name)(axis=axis))


@pytest.mark.parametrize("ddof", [0, 1, 30, 31])
@pytest.mark.parametrize("block_size", [1, 7, 30, (4, 3)])
def test_variances_do_not_depend_on_blocks(block_size, ddof):
    array = ds.array(x, block_size=block_size)
    if ddof >= 30:
        with pytest.warns(RuntimeWarning, match="Degrees of freedom"):
            actual = array.var(axis=0, ddof=ddof)
        with np.errstate(all="ignore"), pytest.warns(RuntimeWarning):
            expected = x.var(axis=0, ddof=ddof)
    else:
        actual, expected = array.var(axis=0, ddof=ddof), x.var(axis=0, ddof=ddof)
    assert_same(actual, expected, rtol=1e-12)


def test_variances_far_from_zero_keep_their_digits():
    far = x + 1e8
    np.testing.assert_allclose(ds.array(far, block_size=4).var().collect(), x.var(), rtol=1e-6)
    single = (x + 1000).astype(np.float32)
    np.testing.assert_allclose(ds.array(single, block_size=4).std().collect(), x.std(), rtol=1e-3)


def test_the_mean_of_many_float32_keeps_its_digits():
    ones = ds.full((1000, 100), np.float32(0.1), block_size=10)
    assert ones.mean().dtype == np.float32
    assert abs(float(ones.mean()) - 0.1) < 1e-7


def test_dtype_is_the_type_to_reduce_in():
    array = ds.array(np.arange(6, dtype=np.int8), block_size=2)
    for name in ("sum", "prod", "mean"):
        assert_same(
            getattr(array, name)(dtype="float32"), getattr(np, name)(np.arange(6, dtype=np.int8), dtype="float32")
        )


def test_blocking_does_not_change_exact_results():
    values = (x * 100).astype(int)
    for name in ("sum", "min", "max", "argmax", "any"):
        results = [getattr(ds.array(values, block_size=b), name)(axis=0).collect() for b in (1, 4, 30, (7, 3))]
        assert all(np.array_equal(results[0], each) for each in results)


def test_a_reduction_is_fused_with_its_chain_and_ends_in_a_tree(tasks):
    array = ds.zeros((90, 2), block_size=1)
    total = (array + 1).sum()
    assert tasks.n == 0
    assert float(total) == 180
    assert tasks.n == 90 + 12 + 2 + 1
    small = (ds.zeros((2, 2)) + 1).sum() / 4
    before = tasks.n
    assert float(small) == 1
    assert tasks.n == before + 2


def test_errors_are_numpys():
    array = ds.zeros((0, 3))
    with pytest.raises(ValueError, match="zero-size"):
        array.min()
    with pytest.raises(np.exceptions.AxisError):
        array.sum(axis=2)
    with pytest.raises(TypeError):
        ds.zeros((2, 2)).argmax(axis=(0, 1))
    with pytest.warns(RuntimeWarning, match="Mean of empty"):
        assert np.isnan(float(ds.zeros(0).mean()))


def test_functions_of_numpy_reduce_arrays():
    array = ds.array(x, block_size=(7, 3))
    assert_same(np.sum(array, axis=0), x.sum(axis=0), rtol=1e-12)
    assert_same(np.std(array, 0, ddof=1), x.std(0, ddof=1), rtol=1e-12)
    assert_same(np.max(array, axis=(0, 1), keepdims=True), x.max(keepdims=True))


@pytest.mark.parametrize("name", ["sum", "mean", "std", "min", "argmax"])
def test_big_endian_numbers_are_reduced(name):
    values = x.astype(">f8")
    assert_same(getattr(ds.array(values, block_size=7), name)(), getattr(values, name)(), rtol=1e-12)


def test_the_mean_of_durations_is_a_duration():
    durations = np.array([1, 2, 6], dtype="m8[s]")
    assert_same(ds.array(durations, block_size=1).mean(), durations.mean())


def test_a_variance_in_integers_is_refused_as_numpys_own_is_hardly_one():
    for name in ("var", "std"):
        with pytest.raises(TypeError, match="dtype=int8 is not supported"):
            getattr(ds.array(x), name)(dtype="int8")


def test_the_variance_of_nothing_is_zero_when_ddof_is_negative():
    with np.errstate(all="ignore"):
        assert_same(ds.zeros((3, 0)).var(axis=1, ddof=-1), np.zeros((3, 0)).var(axis=1, ddof=-1))


def test_parts_of_a_sum_of_float16_may_be_larger_than_float16():
    values = np.array([40000, 40000, -40000, -40000], dtype=np.float16)
    assert_same(ds.array(values, block_size=2).sum(), values.sum())


@pytest.mark.parametrize("shift", [1e8, 1e12])
def test_variances_far_from_zero_are_as_exact_as_numpys(shift):
    x = shift + np.random.default_rng(0).normal(size=(60, 3))
    expected = np.var(x.astype(np.longdouble), axis=0).astype(float)
    for block_size in (1, 7, 60):
        np.testing.assert_allclose(np.var(ds.array(x, block_size=block_size), axis=0).collect(), expected, rtol=1e-7)
