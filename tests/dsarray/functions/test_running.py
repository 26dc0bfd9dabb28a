import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dsarray as ds
from tests.dsarray.strategies import DTYPES, assert_alike, assert_same, pairs

modest = settings(deadline=None, max_examples=50, derandomize=True)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=6)

x = np.random.default_rng(0).normal(size=(12, 5))
a = ds.array(x, block_size=(5, 2))


@modest
@given(
    name=st.sampled_from(["cumsum", "cumprod", "nancumsum", "nancumprod"]), pair=pairs(DTYPES, SHAPES), data=st.data()
)
def test_running_sums_and_products_agree_with_numpy(name, pair, data):
    values, array = pair
    axis = data.draw(st.none() | st.integers(-values.ndim - 1, values.ndim))
    dtype = data.draw(st.sampled_from([None, "float32", "int16", "complex64"]))
    if dtype == "int16" and values.dtype.kind in "fc":
        dtype = None
    function = getattr(np, name)
    assert_alike(lambda: function(array, axis, dtype), lambda: function(values, axis, dtype), rtol=1e-4)


@modest
@given(
    name=st.sampled_from(["cumulative_sum", "cumulative_prod"]),
    pair=pairs(DTYPES, SHAPES),
    data=st.data(),
    include_initial=st.booleans(),
)
def test_the_functions_of_the_array_standard_agree_with_numpy(name, pair, data, include_initial):
    values, array = pair
    axis = data.draw(st.none() | st.integers(-values.ndim, values.ndim - 1)) if values.ndim else None
    keywords = {"axis": axis, "include_initial": include_initial}
    function = getattr(np, name)
    assert_alike(lambda: function(array, **keywords), lambda: function(values, **keywords), rtol=1e-4)


UFUNCS = [
    np.add, np.multiply, np.maximum, np.minimum, np.fmax, np.fmin, np.logical_and, np.logical_or, np.logical_xor,
    np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.gcd, np.lcm, np.hypot, np.logaddexp, np.subtract, np.divide,
    np.power, np.arctan2, np.floor_divide, np.copysign, np.less,
]  # fmt: skip


@modest
@given(ufunc=st.sampled_from(UFUNCS), pair=pairs(DTYPES, SHAPES), data=st.data())
def test_accumulate_agrees_with_numpy(ufunc, pair, data):
    values, array = pair
    axis = data.draw(st.integers(-values.ndim, values.ndim - 1)) if values.ndim else 0
    assert_alike(lambda: ufunc.accumulate(array, axis), lambda: ufunc.accumulate(values, axis), rtol=5e-3)


def test_blocking_does_not_change_exact_results():
    values = (x * 100).astype(int)
    for function in (np.cumsum, np.maximum.accumulate, np.subtract.accumulate):
        for block_size in (1, 5, 12, (3, 2), ((0, 4, 0, 8), (5, 0))):
            for axis in (0, 1):
                array = ds.array(values, block_size=block_size)
                assert_same(function(array, axis=axis), function(values, axis=axis))


def test_each_block_is_scanned_once(tasks):
    result = np.cumsum(ds.ones(60, block_size=10) * 2)
    assert tasks.n == 0
    assert_same(result, np.cumsum(np.ones(60) * 2))
    assert tasks.n == 6 + 5 + 5


def test_methods_and_out():
    assert_same(a.cumsum(), x.cumsum(), rtol=1e-12)
    assert_same(a.cumprod(axis=1), x.cumprod(axis=1), rtol=1e-12)
    out = ds.zeros((12, 5), dtype="float32")
    assert np.cumsum(a, 0, out=out) is out
    assert_same(out, np.cumsum(x, 0, out=np.zeros((12, 5), "float32")), rtol=1e-5)
    ints = ds.zeros((12, 5), dtype=int)
    np.cumsum(a, 0, out=ints)
    assert_same(ints, np.cumsum(x, 0, out=np.zeros((12, 5), int)))
    with pytest.raises(ValueError, match="shape"):
        np.cumsum(a, 0, out=ds.zeros(3))
    with pytest.raises(TypeError, match="give an Array"):
        np.cumsum(a, 0, out=np.zeros((12, 5)))
    with pytest.raises(ValueError, match="axis="):
        np.cumulative_sum(a)


def test_sparse_arrays_are_refused():
    import scipy.sparse

    with pytest.raises(TypeError, match="to_dense"):
        np.add.accumulate(ds.array(scipy.sparse.eye_array(3, format="csr")))
