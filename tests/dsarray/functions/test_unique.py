import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dsarray as ds
from dsarray.functions import _exchange, _unique
from tests.dsarray.strategies import assert_alike, assert_same, blocked, modest, pairs

few = settings(modest, max_examples=50)
LINES = hnp.array_shapes(min_dims=1, max_dims=1, min_side=0, max_side=12)
TYPES = ["bool", "int8", "int64", "float32", "float64"]


@pytest.fixture(autouse=True)
def tiny_runs(monkeypatch):
    """Have each block looked at by itself, however small."""
    monkeypatch.setattr(_exchange, "RUN_BYTES", 0)


def assert_all_same(actual, expected):
    assert len(actual) == len(expected)
    for ours, numpys in zip(actual, expected, strict=True):
        assert_same(ours, numpys)


@few
@given(pair=pairs(), equal_nan=st.booleans())
def test_distinct_elements_agree_with_numpy(pair, equal_nan):
    values, array = pair
    assert_same(np.unique(array, equal_nan=equal_nan), np.unique(values, equal_nan=equal_nan))
    assert_all_same(
        np.unique(array, True, True, True, equal_nan=equal_nan),
        np.unique(values, True, True, True, equal_nan=equal_nan),
    )


@few
@given(pair=pairs(), wanted=st.tuples(st.booleans(), st.booleans(), st.booleans()))
def test_what_is_asked_for_comes_in_numpys_order(pair, wanted):
    values, array = pair
    ours, numpys = np.unique(array, *wanted), np.unique(values, *wanted)
    if any(wanted):
        assert_all_same(ours, numpys)
    else:
        assert_same(ours, numpys)


def test_all_forms_of_unique_give_what_numpy_names():
    values = np.array([[3, 1, 3], [2, 3, 1]])
    array = ds.array(values, block_size=(1, 2))
    for function in (np.unique_all, np.unique_counts, np.unique_inverse):
        ours, numpys = function(array), function(values)
        assert type(ours) is type(numpys)
        assert_all_same(ours, numpys)
    assert_same(np.unique_values(array), np.sort(np.unique_values(values)))
    assert_same(np.unique(array, sorted=False), np.unique(values))
    line = np.array([2.0, np.nan, 2.0, np.nan])
    assert_same(np.unique_counts(ds.array(line, block_size=1)).counts, np.array([2, 1, 1]))
    assert_all_same(np.unique(ds.array(line), False, True, axis=0), np.unique(line, False, True, axis=0))


@pytest.mark.parametrize("size", [4, 50, 300])
def test_equal_elements_of_many_blocks_are_one(size):
    random = np.random.default_rng(0)
    for values in (
        np.zeros(60),
        random.integers(0, 9, 60),
        np.arange(60),
        np.array(["ab", "c", "ab"] * 20),
        np.array([2, 1, 2], dtype=">f8"),
    ):
        array = ds.array(values, block_size=size)
        assert_all_same(np.unique(array, True, True, True), np.unique(values, True, True, True))


@few
@given(st.sampled_from([*TYPES, "complex128", "U2", "M8[D]"]), hnp.array_shapes(min_dims=1, max_dims=3, min_side=0),
       st.data())  # fmt: skip
def test_distinct_slices_agree_with_numpy(dtype, shape, data):
    bits = data.draw(hnp.arrays("int64", shape, elements=st.integers(0, 1)))
    values = bits.astype(dtype)
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    array = data.draw(blocked(values))
    assert_alike(lambda: np.unique(array, axis=axis), lambda: np.unique(values, axis=axis))
    if values.size:
        ours = np.unique(array, True, True, True, axis=axis)
        assert_all_same(ours, np.unique(values, True, True, True, axis=axis))


def test_slices_with_nan_are_distinct():
    values = np.array([[1.0, np.nan], [1.0, np.nan], [0.0, 1.0], [-0.0, 1.0]])
    assert_same(np.unique(ds.array(values, block_size=1), axis=0), np.unique(values, axis=0))


def test_nan_of_many_blocks_is_one_unless_asked_otherwise():
    values = np.array([1.0, np.nan, 1.0, np.nan, np.nan, 2.0])
    array = ds.array(values, block_size=2)
    assert_all_same(np.unique(array, True, True, True), np.unique(values, True, True, True))
    assert np.unique(array, equal_nan=False).shape == (5,)


def test_distinct_elements_keep_to_blocks():
    array = ds.array(np.arange(1000) % 500, block_size=100)
    assert np.unique(array).grid > (4,)
    assert max(np.unique(array).block_shape) <= 100
    assert np.unique(array, return_inverse=True)[1].chunks == ((100,) * 10,)


def test_what_is_not_supported_is_refused():
    array = ds.array(np.ones((4, 2)), block_size=2)
    with pytest.raises(TypeError, match="unexpected keyword"):
        _unique._unique(array, ordered=True)
    with pytest.raises(TypeError, match="to_dense"):
        np.unique(ds.array(scipy.sparse.eye_array(3)))
