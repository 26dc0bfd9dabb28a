import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dsarray as ds
from tests.dsarray.strategies import DTYPES, assert_alike, assert_same, blocked, ndarrays, pairs

modest = settings(deadline=None, max_examples=50, derandomize=True)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=7)
WITH_AXES = hnp.array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=9)
FINITE = st.sampled_from([0.0, 1.0, -2.25, 3.0, 7.5, 100.0])

x = np.random.default_rng(0).normal(size=(12, 5)).cumsum(axis=0)
a = ds.array(x, block_size=(5, 2))


@modest
@given(pair=pairs(DTYPES, SHAPES), n=st.integers(-1, 8), data=st.data())
def test_differences_agree_with_numpy(pair, n, data):
    values, array = pair
    axis = data.draw(st.integers(-values.ndim - 1, values.ndim))
    ends = {}
    for name in ("prepend", "append"):
        if data.draw(st.booleans()):
            ends[name] = data.draw(st.sampled_from([0, 1.5, values]))
    assert_alike(lambda: np.diff(array, n, axis, **ends), lambda: np.asarray(np.diff(values, n, axis, **ends)))


@modest
@given(pair=pairs(DTYPES, SHAPES), data=st.data())
def test_differences_of_all_elements_agree_with_numpy(pair, data):
    values, array = pair
    ends = data.draw(st.sampled_from([(None, None), (1, None), ([1, 2], 3), (None, np.int8(4))]))
    assert_alike(lambda: np.ediff1d(array, *ends), lambda: np.ediff1d(values, *ends))


@modest
@given(values=ndarrays(["int32", "float32", "float64", "complex128"], WITH_AXES), data=st.data())
def test_gradients_agree_with_numpy(values, data):
    array = data.draw(blocked(values))
    axis = data.draw(st.integers(-values.ndim, values.ndim - 1))
    n = values.shape[axis]
    spacing = data.draw(st.sampled_from([(), (2,), (0.5,), (np.arange(n) ** 2,), (np.arange(n) * 3,)]))
    edge_order = data.draw(st.sampled_from([1, 2, 3]))
    if n < 2 and spacing and np.ndim(spacing[0]):  # where NumPy's own check fails
        return
    assert_alike(
        lambda: np.gradient(array, *spacing, axis=axis, edge_order=edge_order),
        lambda: np.gradient(values, *spacing, axis=axis, edge_order=edge_order),
        rtol=1e-5,
    )


def test_gradients_along_several_axes():
    for spacing in ((), (2.0,), (0.5, np.arange(5.0) ** 2)):
        for ours, numpys in zip(np.gradient(a, *spacing), np.gradient(x, *spacing), strict=True):
            assert_same(ours, numpys, rtol=1e-12)
    assert_same(
        np.gradient(a, ds.array(np.arange(12.0) ** 2, block_size=5), axis=0),
        np.gradient(x, np.arange(12.0) ** 2, axis=0),
        1e-12,
    )
    for wrong in (lambda v: np.gradient(v, 1, 2, 3), lambda v: np.gradient(v, np.ones((2, 2)), 1)):
        with pytest.raises((TypeError, ValueError)):
            wrong(x)
        with pytest.raises((TypeError, ValueError)):
            wrong(a)


@modest
@given(values=ndarrays(["bool", "int32", "float64"], WITH_AXES), data=st.data())
def test_integrals_agree_with_numpy(values, data):
    array = data.draw(blocked(values))
    axis = data.draw(st.integers(-values.ndim, values.ndim - 1))
    n = values.shape[axis]
    points = data.draw(st.sampled_from([None, np.arange(n) ** 2, np.cumsum(np.ones(values.shape), axis)]))
    ours = points if points is None or data.draw(st.booleans()) else data.draw(blocked(points))
    assert_alike(
        lambda: np.trapezoid(array, ours, dx=0.5, axis=axis),
        lambda: np.asarray(np.trapezoid(values, points, dx=0.5, axis=axis)), 1e-9,
    )  # fmt: skip


@modest
@given(data=st.data())
def test_unwrapping_agrees_with_numpy(data):
    dtype = data.draw(st.sampled_from(["int64", "float64"]))
    values = data.draw(hnp.arrays(dtype, WITH_AXES, elements=st.integers(-12, 12)))
    array = data.draw(blocked(values))
    axis = data.draw(st.integers(-values.ndim, values.ndim - 1))
    period = data.draw(st.sampled_from([6, 5, 2 * np.pi]))
    discont = data.draw(st.sampled_from([None, 4]))
    assert_alike(
        lambda: np.unwrap(array, discont, axis, period=period),
        lambda: np.unwrap(values, discont, axis, period=period), 1e-9,
    )  # fmt: skip


def test_blocking_does_not_change_differences():
    for block_size in (1, 5, 12, (3, 2), ((0, 4, 0, 8), (5, 0))):
        array = ds.array(x, block_size=block_size)
        assert_same(np.diff(array, 2, axis=0), np.diff(x, 2, axis=0))
        assert_same(np.gradient(array, axis=0, edge_order=2), np.gradient(x, axis=0, edge_order=2))


def test_each_task_reads_one_block_and_its_neighbours(tasks):
    result = np.diff(ds.ones(60, block_size=10) * 2)
    assert tasks.n == 0
    assert_same(result, np.zeros(59))
    assert tasks.n == 6 + 6
