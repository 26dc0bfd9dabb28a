import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

import dsarray as ds
from dsarray.functions import _exchange, _lanes
from dsflow.testing import forbid_compute
from tests.dsarray.strategies import assert_alike, assert_same, blocked, modest, pairs

few = settings(modest, max_examples=60)
TYPES = ["int8", "uint8", "int64", "float32", "float64"]
METHODS = [
    *("inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull"),
    *("linear", "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest"),
]
x = np.random.default_rng(0).normal(size=(30, 20))

ignore_nan = pytest.mark.filterwarnings("ignore:All-NaN slice:RuntimeWarning", "ignore:Mean of empty:RuntimeWarning",
                                        "ignore:invalid value:RuntimeWarning")  # fmt: skip


@pytest.fixture(autouse=True)
def tiny_runs(monkeypatch):
    """Have each block sorted by itself, however small."""
    monkeypatch.setattr(_exchange, "RUN_BYTES", 0)


def axes_of(data, values):
    axes = st.sampled_from([None, *range(values.ndim)])
    several = st.lists(st.integers(0, values.ndim - 1), min_size=1, unique=True).map(tuple) if values.ndim else axes
    return data.draw(axes | several)


@ignore_nan
@few
@given(pair=pairs(), data=st.data(), keepdims=st.booleans())
def test_medians_agree_with_numpy(pair, data, keepdims):
    values, array = pair
    axis = axes_of(data, values)
    if values.dtype.kind == "c":  # whose mean of two is rounded otherwise where an axis is long
        values, array = values.real.copy(), array.real
    assert_alike(lambda: np.median(array, axis, keepdims=keepdims), lambda: np.median(values, axis, keepdims=keepdims))
    if values.size:
        assert_alike(
            lambda: np.nanmedian(array, axis, keepdims=keepdims), lambda: np.nanmedian(values, axis, keepdims=keepdims)
        )


@ignore_nan
@few
@given(pair=pairs(TYPES), data=st.data(), method=st.sampled_from(METHODS), keepdims=st.booleans())
def test_quantiles_agree_with_numpy(pair, data, method, keepdims):
    values, array = pair
    axis = axes_of(data, values)
    q = data.draw(st.sampled_from([0.5, 0, 1, 0.37, [0.1, 0.5], [[0.0, 1.0], [0.99, 0.25]]]))
    options = {"axis": axis, "method": method, "keepdims": keepdims}
    assert_alike(lambda: np.quantile(array, q, **options), lambda: np.quantile(values, q, **options))
    percent = np.multiply(q, 100)
    assert_alike(lambda: np.percentile(array, percent, **options), lambda: np.percentile(values, percent, **options))


@ignore_nan
@few
@given(data=st.data(), method=st.sampled_from(METHODS))
def test_quantiles_without_nan_agree_with_numpy(data, method):
    values = np.array(
        data.draw(st.lists(st.sampled_from([1.0, 2.5, np.nan, -3.0, np.inf, 7.25]), min_size=1, max_size=9))
    )
    array = data.draw(blocked(values))
    q = data.draw(st.sampled_from([0.5, 0, 1, 0.37, [0.1, 0.5]]))
    assert_alike(lambda: np.nanquantile(array, q, method=method), lambda: np.nanquantile(values, q, method=method))
    percent = np.multiply(q, 100)
    assert_alike(lambda: np.nanpercentile(array, percent), lambda: np.nanpercentile(values, percent))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
def test_rounding_is_numpys(method, dtype):
    values = (1000 * x).astype(dtype)
    array = ds.array(values, block_size=(7, 20))
    for q in (0.3, np.linspace(0, 1, 23), np.float32(0.7), [0.1, 0.9]):
        assert_same(np.quantile(array, q, method=method), np.quantile(values, q, method=method))
        assert_same(np.quantile(array, q, 0, method=method), np.quantile(values, q, 0, method=method))


@pytest.mark.parametrize("method", METHODS)
def test_quantiles_that_lie_at_an_element_are_numpys(method):
    for n in range(1, 8):
        values = np.arange(n)[::-1] ** 2
        array = ds.array(values, block_size=2)
        for q in (0.25, 0.5, 0.75):
            assert_same(np.quantile(array, q, method=method), np.quantile(values, q, method=method))


@pytest.mark.parametrize("size", [1, 7, 30, (7, 3), (30, 1)])
def test_blocking_does_not_change_the_result(size):
    array = ds.array(x[:12], block_size=size)
    for axis in (None, 0, 1):
        assert_same(np.median(array, axis), np.median(x[:12], axis))
        assert_same(np.percentile(array, [5, 50], axis), np.percentile(x[:12], [5, 50], axis))


@ignore_nan
@pytest.mark.parametrize("keepdims", [False, True])
def test_lanes_that_are_too_long_for_a_task_are_selected_from(monkeypatch, keepdims):
    monkeypatch.setattr(_lanes, "LONG_BYTES", 0)
    values = x.ravel()[:36].reshape(3, 2, 6).copy()
    values[0, 1] = values[2, :, 2] = np.nan
    array = ds.array(values, block_size=(2, 1, 4))
    for axis in (0, 1, 2):
        options = {"axis": axis, "keepdims": keepdims}
        assert_same(np.median(array, **options), np.median(values, **options))
        assert_same(np.nanmedian(array, **options), np.nanmedian(values, **options))
        q = [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]
        assert_same(np.quantile(array, q, **options), np.quantile(values, q, **options))
        assert_same(np.nanquantile(array, 0.3, **options), np.nanquantile(values, 0.3, **options))


def test_times_have_quantiles():
    values = np.array(["2020-01-05", "2020-01-01", "2020-02-01", "2020-01-02"], dtype="M8[s]")
    for each in (values, values - values[0]):
        array = ds.array(each, block_size=3)
        assert_same(np.quantile(array, [0.3, 0.5]), np.quantile(each, [0.3, 0.5]))
    each[1] = "NaT"
    assert_same(np.median(ds.array(each, block_size=1)), np.median(each))


def test_all_nan_gives_nan_and_a_warning():
    array = ds.array(np.full(5, np.nan), block_size=2)
    for function in (np.nanmedian, lambda a: np.nanquantile(a, 0.5)):
        with pytest.warns(RuntimeWarning, match="All-NaN"):
            assert np.isnan(function(array).item())


def test_nothing_runs_before_it_is_needed():
    array = ds.array(x, block_size=7)
    with forbid_compute():
        assert np.median(array).shape == ()
        assert np.quantile(array, [0.1, 0.2], axis=1, keepdims=True).shape == (2, 30, 1)


def test_a_result_is_put_into_an_array():
    out = ds.zeros(20)
    assert np.median(ds.array(x, block_size=7), axis=0, out=out) is out
    assert_same(out, np.median(x, axis=0))
    np.quantile(ds.array(x), 0.25, 0, out)
    assert_same(out, np.quantile(x, 0.25, 0))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda a: np.quantile(a, 1.5), ValueError, "range"),
        (lambda a: np.percentile(a, -1), ValueError, "range"),
        (lambda a: np.quantile(a, 0.5, method="best"), ValueError, "best"),
        (lambda a: np.quantile(a, 0.5, axis=2), ValueError, "out of bounds"),
        (lambda a: np.median(a, axis=(0, 0)), ValueError, "repeated"),
        (lambda a: np.quantile(a + 1j, 0.5), TypeError, "real"),
        (lambda a: np.quantile(a > 0, 0.5), TypeError, "boolean subtract"),
    ],
)
def test_what_numpy_refuses_is_refused(call, error, words):
    with pytest.raises(error):
        call(x)
    with pytest.raises(error, match=words):
        call(ds.array(x, block_size=7))


def test_what_is_not_supported_is_refused():
    array = ds.array(x, block_size=7)
    with pytest.raises(TypeError, match="weights="):
        np.quantile(array, 0.5, weights=x, method="inverted_cdf")
    with pytest.raises(TypeError, match="q= as an Array"):
        np.quantile(x, ds.array(np.array([0.5])))
    with pytest.raises(TypeError, match="to_dense"):
        np.median(ds.array(scipy.sparse.eye_array(3)))


@pytest.mark.parametrize("axis", [0, 1, None])
def test_text_keeps_its_length(axis):
    values = np.array([["bb", "a"], ["", "ccc"], ["zz", "bbb"]])
    ours = np.quantile(ds.array(values, block_size=1), [0.3, 0.9], axis=axis, method="lower")
    np.testing.assert_array_equal(ours.collect(), np.quantile(values, [0.3, 0.9], axis=axis, method="lower"))
