import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dsarray as ds
from tests.dsarray.strategies import DTYPES, REAL, assert_alike, assert_same, blocked, ndarrays, pairs

modest = settings(deadline=None, max_examples=50, derandomize=True)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=5)

x = np.arange(12.0).reshape(4, 3)
a = ds.array(x, block_size=(3, 2))

UNARY = [
    np.real, np.imag, np.iscomplex, np.isreal, np.i0, np.sinc, np.angle, np.nan_to_num, np.fix, np.isposinf,
    np.isneginf, np.round, np.around, lambda v: np.angle(v, deg=True), lambda v: np.round(v, -1),
    lambda v: np.nan_to_num(v, nan=3, posinf=1, neginf=2),
]  # fmt: skip


@modest
@given(function=st.sampled_from(UNARY), pair=pairs(DTYPES, SHAPES))
def test_functions_of_one_array_agree_with_numpy(function, pair):
    values, array = pair
    assert_alike(lambda: function(array), lambda: np.asarray(function(values)), rtol=1e-5)


LIMITS = st.sampled_from([None, 0, 2, -1.5, 300, np.float32(1), np.int8(1), "array"])


@modest
@given(pair=pairs(DTYPES, SHAPES), low=LIMITS, high=LIMITS, data=st.data())
def test_clip_follows_numpys_rules_of_types(pair, low, high, data):
    values, array = pair
    limits, ours = [], []
    for each in (low, high):
        whole = data.draw(ndarrays(["int16", "float32"], st.just(values.shape[-1:]))) if each == "array" else each
        limits.append(whole)
        ours.append(data.draw(blocked(whole)) if each == "array" else each)
    assert_alike_or_overflow(lambda: np.clip(array, *ours), lambda: np.asarray(np.clip(values, *limits)))
    assert_alike_or_overflow(
        lambda: np.clip(array, min=ours[0], max=ours[1]),
        lambda: np.asarray(np.clip(values, min=limits[0], max=limits[1])),
    )


def assert_alike_or_overflow(ours, numpys):
    try:
        assert_alike(ours, numpys)
    except OverflowError:
        with pytest.raises(OverflowError):
            numpys()


def test_clip_takes_numpys_keywords():
    assert_same(np.clip(a, 1, 5, dtype="float32", casting="unsafe"), np.clip(x, 1, 5, dtype="float32"))
    out = ds.zeros((4, 3))
    assert np.clip(a, 1, 5, out=out) is out
    assert_same(out, np.clip(x, 1, 5))
    assert a.clip(2, out=out) is out
    assert_same(out, np.clip(x, 2, None))
    with pytest.raises(ValueError, match="other names"):
        np.clip(a, 1, 5, min=2)
    with pytest.raises(TypeError, match="together"):
        np.clip(a, 1)
    with pytest.raises(TypeError, match="where="):
        np.clip(a, 1, 2, where=x > 0)


def test_results_go_into_out():
    for function in (np.round, np.fix, np.isposinf):
        out = ds.zeros((4, 3), dtype=function(x).dtype)
        assert function(a / 3, out=out) is out
        assert_same(out, function(x / 3))
    b = a + np.nan
    assert np.nan_to_num(b, copy=False) is b
    assert_same(b, np.zeros((4, 3)))


@modest
@given(left=pairs(REAL, SHAPES), data=st.data())
def test_comparisons_of_whole_arrays_agree_with_numpy(left, data):
    values, array = left
    other = data.draw(st.sampled_from([values, values.copy() + 0, np.ones(2), np.zeros(values.shape[1:])]))
    ours = data.draw(blocked(other))
    equal_nan = data.draw(st.booleans())
    assert np.array_equal(array, ours, equal_nan=equal_nan) is np.array_equal(values, other, equal_nan=equal_nan)
    assert np.array_equiv(array, ours) is np.array_equiv(values, other)
    assert_bool_alike(
        lambda: np.allclose(array, ours, equal_nan=equal_nan), lambda: np.allclose(values, other, equal_nan=equal_nan)
    )
    assert_alike(lambda: np.isclose(array, ours, 0.1, equal_nan=equal_nan),
                 lambda: np.asarray(np.isclose(values, other, 0.1, equal_nan=equal_nan)))  # fmt: skip


def test_nan_equals_nan_if_that_is_asked_for():
    values = np.array([1.0, np.nan, 3.0])
    array = ds.array(values, block_size=2)
    assert np.array_equal(array, values, equal_nan=True)
    assert not np.array_equal(array, values)
    assert not np.array_equal(array, np.array([np.nan, np.nan, 3.0]), equal_nan=True)
    assert np.array_equiv(array[:1], np.ones((2, 1)))


def assert_bool_alike(ours, numpys):
    try:
        expected = numpys()
    except ValueError:
        with pytest.raises(ValueError, match="broadcast"):
            ours()
        return
    assert ours() is expected


@modest
@given(pair=pairs(["int32", "float64"], SHAPES), data=st.data())
def test_piecewise_agrees_with_numpy(pair, data):
    values, array = pair
    conditions = [values > 0, values < -1]
    functions = data.draw(
        st.sampled_from([[lambda v: v * 2, 5], [np.negative, lambda v: v + 1, 7.0], [1], [1, 2, 3, 4]])
    )
    ours = [data.draw(blocked(each)) for each in conditions]
    if values.ndim == 0 or not values.size:
        return
    assert_alike(lambda: np.piecewise(array, ours, functions), lambda: np.piecewise(values, conditions, functions))
    assert_alike(
        lambda: np.piecewise(array, array > 0, [np.square, 2]), lambda: np.piecewise(values, values > 0, [np.square, 2])
    )
    assert_alike(lambda: np.piecewise(array, [array[:1] > 0], [2]), lambda: np.piecewise(values, [values[:1] > 0], [2]))


def test_piecewise_passes_arguments_on():
    def scaled(v, by, plus=0):
        return v * by + plus

    assert_same(np.piecewise(a, [a > 3], [scaled, -1], 2, plus=1), np.piecewise(x, [x > 3], [scaled, -1], 2, plus=1))
    one = np.array(5.0)
    assert_same(np.piecewise(ds.array(one), [True], [3]), np.piecewise(one, [True], [3]))


@modest
@given(values=ndarrays(REAL, SHAPES), data=st.data())
def test_interpolation_agrees_with_numpy(values, data):
    xp, fp = np.array([-3.0, 0, 1, 4]), data.draw(st.sampled_from([np.array([1, 0, 5, 2]), np.array([1, 2j, 0, 1])]))
    options = data.draw(st.sampled_from([{}, {"left": -1, "right": 9}, {"period": 3}]))
    array = data.draw(blocked(values))
    points = data.draw(st.sampled_from([(xp, fp), (ds.array(xp, block_size=3), fp), (xp, ds.array(fp, block_size=1))]))
    assert_alike(
        lambda: np.interp(array, *points, **options), lambda: np.asarray(np.interp(values, xp, fp, **options)), 1e-12
    )


def test_interpolation_checks_its_points():
    for points in ((np.ones(2), np.ones(3)), (np.ones(0), np.ones(0)), (np.ones((2, 2)), np.ones((2, 2)))):
        with pytest.raises(ValueError):
            np.interp(x, *points)
        with pytest.raises(ValueError):
            np.interp(a, *points)


def test_a_type_that_would_depend_on_values_is_refused():
    with pytest.raises(TypeError, match=r"use \.real"):
        np.real_if_close(a * 1j)
    assert_same(np.real_if_close(a), x)


def test_a_vectorized_function_gives_an_ndarray_and_map_blocks_an_array():
    gathered = np.vectorize(lambda v: v * 2)(a)
    assert isinstance(gathered, np.ndarray)
    assert np.array_equal(gathered, x * 2)
    assert_same(a.map_blocks(np.vectorize(lambda v: v * 2)), x * 2)


def test_nothing_runs_until_a_value_is_asked_for(tasks):
    np.clip(np.round(np.piecewise(a, [a > 3], [2, 1])), 0, 1), np.interp(a, [0, 1], [1, 2]), np.isclose(a, 1)
    assert tasks.n == 0
