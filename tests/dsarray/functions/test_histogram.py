import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dsarray as ds
from dsarray.functions import _exchange
from dsflow.testing import forbid_compute
from tests.dsarray.strategies import assert_alike, assert_same, blocked, modest, ndarrays, pairs

few = settings(modest, max_examples=60)
LINES = hnp.array_shapes(min_dims=1, max_dims=1, min_side=0, max_side=12)
REAL = ["int8", "uint8", "int64", "float32", "float64"]
x = np.random.default_rng(0).normal(size=(30, 20))
a = ds.array(x, block_size=(7, 6))


@pytest.fixture(autouse=True)
def tiny_runs(monkeypatch):
    """Have each block looked at by itself, however small."""
    monkeypatch.setattr(_exchange, "RUN_BYTES", 0)


@few
@given(data=st.data(), side=st.sampled_from(["left", "right"]))
def test_places_agree_with_numpy(data, side):
    ordered = np.sort(data.draw(ndarrays(["int8", "float64"], LINES)))
    values = data.draw(ndarrays(["int8", "float64"]))
    array = data.draw(blocked(ordered))
    expected = np.searchsorted(ordered, values, side)
    assert_same(np.searchsorted(array, data.draw(blocked(values)), side), expected)
    assert_same(np.searchsorted(array, values, side), expected)
    assert_same(np.searchsorted(ordered, ds.array(values), side), expected)


def test_places_among_what_a_sorter_puts_in_order():
    values = np.array([5, 1, 4, 2])
    array = ds.array(values, block_size=3)
    assert_same(np.searchsorted(array, [0, 3, 5], sorter=np.argsort(array)), np.array([0, 2, 3]))
    assert_same(np.sort(array).searchsorted(3, "right"), np.intp(2))
    with pytest.raises(ValueError, match="sorter="):
        np.searchsorted(array, 1, sorter=[0, 1])


@few
@given(pair=pairs(REAL), right=st.booleans(), bins=st.sampled_from([[0], [-1, 0.5, 3], [9, 2, -4], [1, 3, 2]]))
def test_bins_of_values_agree_with_numpy(pair, right, bins):
    values, array = pair
    assert_alike(lambda: np.digitize(array, bins, right), lambda: np.digitize(values, bins, right))


@few
@given(data=st.data(), minlength=st.sampled_from([0, 3, 20, -1]))
def test_counts_of_ints_agree_with_numpy(data, minlength):
    values = data.draw(ndarrays(["uint8", "int64", "bool", "float64"], LINES))
    array = data.draw(blocked(values))
    assert_alike(lambda: np.bincount(array, minlength=minlength), lambda: np.bincount(values, minlength=minlength))
    weights = np.arange(len(values)) / 2
    assert_alike(lambda: np.bincount(array, weights), lambda: np.bincount(values, weights))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@few
@given(pair=pairs(REAL), data=st.data(), density=st.booleans())
def test_histograms_agree_with_numpy(pair, data, density):
    values, array = pair
    options = data.draw(
        st.sampled_from(
            [{}, {"bins": 3}, {"bins": [-2, 0, 1.5, 9]}, {"bins": 4, "range": (-3, 3)}, {"bins": 0}, {"bins": [2, 1]}]
        )
    )
    for part in (0, 1):
        assert_alike(
            lambda: np.histogram(array, density=density, **options)[part],
            lambda: np.histogram(values, density=density, **options)[part],
            rtol=1e-12,
        )
    weights = np.arange(values.size).reshape(values.shape)
    for each in (weights, weights / 2, weights.astype(np.float32)):
        assert_alike(
            lambda: np.histogram(array, weights=each, **options)[0],
            lambda: np.histogram(values, weights=each, **options)[0],
            rtol=1e-12,
        )


@pytest.mark.parametrize("size", [1, 7, 30, (7, 3)])
def test_blocking_does_not_change_the_result(size):
    array = ds.array(x, block_size=size)
    for options in ({}, {"bins": 50}, {"bins": np.linspace(-2, 2, 9)}, {"bins": 5, "range": (0, 1)}):
        for ours, numpys in zip(np.histogram(array, **options), np.histogram(x, **options), strict=True):
            assert_same(ours, numpys)
    assert_same(np.histogram_bin_edges(array, 7), np.histogram_bin_edges(x, 7))


def test_true_and_false_are_counted():
    assert_same(np.histogram(a > 0, 2)[0], np.histogram((x > 0).astype(np.uint8), 2)[0])


def test_nothing_runs_before_it_is_needed():
    with forbid_compute():
        counts, edges = np.histogram(a, 5)
        assert (counts.shape, edges.shape) == ((5,), (6,))
        assert np.searchsorted(ds.zeros(9, block_size=2), a).shape == a.shape


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda v: np.histogram(v, "sturges2"), ValueError, None),
        (lambda v: np.histogram(v, weights=np.ones(3)), ValueError, "weights"),
        (lambda v: np.histogram(v, range=(1, 0)), ValueError, "larger"),
        (lambda v: np.histogram(v / 0.0)[0].tolist(), ValueError, "finite"),
        (lambda v: np.bincount(v.astype(int)[0] - 5), ValueError, "negative"),
        (lambda v: np.bincount(v.astype(int)), ValueError, "deep"),
        (lambda v: np.bincount(abs(v[0]).astype(int), np.ones(3)), ValueError, "weights"),
        (lambda v: np.searchsorted(v, 1), ValueError, "deep"),
        (lambda v: np.searchsorted(v[0], 1, "middle"), ValueError, "middle"),
        (lambda v: np.digitize(v + 1j, [1]), TypeError, "complex"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_numpy_refuses_is_refused(call, error, words):
    with pytest.raises(error):
        call(x)
    with pytest.raises((TypeError, error) if words is None else error, match=words):
        call(a)


def test_what_is_not_supported_is_refused():
    with pytest.raises(TypeError, match="bins='stone'"):
        np.histogram(a, "stone")
    sparse = ds.array(scipy.sparse.eye_array(3))
    for refused in (lambda: np.histogram(sparse), lambda: np.digitize(sparse, [1])):
        with pytest.raises(TypeError, match="to_dense"):
            refused()
