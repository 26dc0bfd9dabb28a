import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dsarray as ds
from dsarray.functions import _exchange
from tests.dsarray.strategies import assert_same, blocked, modest, ndarrays, pairs

few = settings(modest, max_examples=30)
LINES = hnp.array_shapes(min_dims=1, max_dims=1, min_side=0, max_side=9)
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
@given(data=st.data())
def test_sets_agree_with_numpy(data):
    left, right = data.draw(ndarrays(TYPES, LINES)), data.draw(ndarrays(TYPES, LINES))
    a, b = data.draw(blocked(left)), data.draw(blocked(right))
    for function in (np.intersect1d, np.union1d, np.setdiff1d, np.setxor1d):
        assert_same(function(a, b), function(left, right))
    assert_all_same(np.intersect1d(a, right, return_indices=True), np.intersect1d(left, right, return_indices=True))


def test_what_is_assumed_unique_gives_numpys_answer():
    left, right = np.array([5, 1, 4, 2]), np.array([4, 9, 5])
    a, b = ds.array(left, block_size=2), ds.array(right, block_size=1)
    for function in (np.intersect1d, np.setdiff1d, np.setxor1d):
        assert_same(function(a, b, True), function(left, right, True))
    assert_same(np.setdiff1d(left, b), np.setdiff1d(left, right))


@few
@given(pair=pairs(shapes=hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=5)), data=st.data())
def test_membership_agrees_with_numpy(pair, data):
    values, array = pair
    others = data.draw(ndarrays(["int8", "float64", str(values.dtype)], LINES))
    invert = data.draw(st.booleans())
    expected = np.isin(values, others, invert=invert)
    assert_same(np.isin(array, data.draw(blocked(others)), invert=invert), expected)
    assert_same(np.isin(array, others, invert=invert), expected)
    assert_same(np.isin(values, ds.array(others), invert=invert), expected)


def test_what_is_not_supported_is_refused():
    sparse = ds.array(scipy.sparse.eye_array(3))
    with pytest.raises(ValueError, match="table"):
        np.isin(ds.array(np.ones(4), block_size=2), [1.0], kind="table")
    for refused in (lambda: np.isin(sparse, 1), lambda: np.union1d(sparse, [1]), lambda: np.setdiff1d([1], sparse)):
        with pytest.raises(TypeError, match="to_dense"):
            refused()


@pytest.mark.parametrize("name", ["setxor1d", "intersect1d", "union1d"])
def test_numbers_beside_text_are_put_in_order_as_text(name):
    numbers, text = np.array([10, 9, -1, 2]), np.array(["9", "x", "10", ""])
    for left, right in ((numbers, text), (text, numbers)):
        ours = getattr(np, name)(ds.array(left, block_size=2), ds.array(right, block_size=3))
        np.testing.assert_array_equal(ours.collect(), getattr(np, name)(left, right))
    ours = np.intersect1d(ds.array(numbers, block_size=2), ds.array(text, block_size=3), return_indices=True)
    for each, expected in zip(ours, np.intersect1d(numbers, text, return_indices=True), strict=True):
        np.testing.assert_array_equal(each.collect(), expected)
