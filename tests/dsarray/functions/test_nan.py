import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dsarray as ds
from tests.dsarray.strategies import DTYPES, REAL, assert_alike, assert_same, pairs

modest = settings(deadline=None, max_examples=60, derandomize=True)

x = np.random.default_rng(0).normal(size=(12, 5))
x[::3, ::2] = np.nan
x[:, 3] = np.nan
a = ds.array(x, block_size=(5, 2))


@modest
@given(
    name=st.sampled_from(["nansum", "nanprod", "nanmean", "nanvar", "nanstd", "nanmin", "nanmax"]),
    pair=pairs(DTYPES),
    data=st.data(),
    keepdims=st.booleans(),
)
def test_reductions_that_pass_over_nan_agree_with_numpy(name, pair, data, keepdims):
    values, array = pair
    n = values.ndim
    axis = data.draw(st.none() | st.lists(st.integers(-n, n - 1), max_size=2, unique=True).map(tuple)) if n else None
    keywords = {"axis": axis, "keepdims": keepdims}
    if name in ("nanvar", "nanstd"):
        keywords["ddof"] = data.draw(st.sampled_from([0, 1, 3, -1]))
    if name in ("nansum", "nanprod", "nanmin", "nanmax") and data.draw(st.booleans()):
        keywords["initial"] = 2
    if n and data.draw(st.booleans()):
        keywords["where"] = np.arange(values.shape[-1]) % 2 == 0
    function = getattr(np, name)
    assert_alike(lambda: function(array, **keywords), lambda: function(values, **keywords), rtol=1e-5)


@modest
@given(name=st.sampled_from(["nanargmin", "nanargmax"]), pair=pairs(REAL), data=st.data(), keepdims=st.booleans())
def test_positions_that_pass_over_nan_agree_with_numpy(name, pair, data, keepdims):
    values, array = pair
    axis = data.draw(st.none() | st.integers(-values.ndim, values.ndim - 1)) if values.ndim else None
    function = getattr(np, name)
    assert_alike(lambda: function(array, axis, keepdims=keepdims), lambda: function(values, axis, keepdims=keepdims))


def test_a_lane_of_nothing_but_nan_gives_what_numpy_gives():
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for name in ("nanmean", "nanvar", "nanmin", "nanmax", "nansum", "nanprod"):
            assert_same(getattr(np, name)(a, axis=0), getattr(np, name)(x, axis=0), rtol=1e-12)
    with pytest.raises(ValueError, match="All-NaN"):
        np.nanargmin(a, axis=0).collect()
    assert_same(np.nanargmax(a[:, :3], axis=0), np.nanargmax(x[:, :3], axis=0))


def test_a_given_mean_and_a_type_and_out_are_as_in_numpy():
    part, values = a[:, :3], x[:, :3]
    assert_same(np.nanvar(part, 0, mean=0.5), np.nanvar(values, 0, mean=0.5), rtol=1e-12)
    assert_same(np.nanstd(part, 0, correction=1), np.nanstd(values, 0, correction=1), rtol=1e-12)
    assert_same(np.nanmean(part, 0, dtype="float32"), np.nanmean(values, 0, dtype="float32"), rtol=1e-6)
    with pytest.raises(TypeError, match="inexact"):
        np.nanmean(part, dtype=int)
    out = ds.zeros(3)
    assert np.nansum(part, 0, out=out) is out
    assert_same(out, np.nansum(values, 0), rtol=1e-12)


def test_making_the_mask_is_fused_with_the_reduction(tasks):
    np.nanmean(ds.ones((6, 4), block_size=2)).collect()
    assert tasks.n == 3 + 1


@pytest.mark.parametrize("name", ["nansum", "nanprod", "nanmean", "nanvar", "nanstd"])
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_a_mask_of_the_users_is_added_to_that_of_nan(name, axis):
    mask = np.arange(60).reshape(12, 5) % 3 > 0
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for ours in (mask, ds.array(mask, block_size=4)):
            assert_same(
                getattr(np, name)(a, axis=axis, where=ours), getattr(np, name)(x, axis=axis, where=mask), rtol=1e-12
            )


def test_a_variance_of_too_few_elements_is_nan_and_no_infinity():
    values = np.array([[1.0, np.nan, 3.0], [2.0, np.nan, np.nan], [np.nan, np.nan, 5.0]])
    with pytest.warns(RuntimeWarning):
        expected = np.nanvar(values, axis=0, ddof=2)
    assert np.isnan(expected).all()
    array = ds.array(values, block_size=1)
    assert_same(np.nanvar(array, axis=0, ddof=2), expected)
    assert_same(np.nanstd(array, axis=1, ddof=1), np.array([2**0.5, np.nan, np.nan]), rtol=1e-12)


def test_a_block_of_nothing_but_nan_is_passed_over():
    values = np.array([np.nan, np.nan, 3.0, 1.0, np.nan, np.nan])
    for size in (1, 2, 3):
        array = ds.array(values, block_size=size)
        assert int(np.nanargmin(array)) == 3
        assert int(np.nanargmax(array)) == 2
        assert float(np.nanmin(array)) == 1


def test_an_element_by_itself_is_no_exception():
    x = ds.array(1.5) * ds.array(np.nan)
    assert np.nansum(x).item() == 0
