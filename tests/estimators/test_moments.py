"""Moments of rows are those that NumPy finds with all of them at hand, whatever the blocks, weights and units."""

import numpy as np
import pytest
import scipy.sparse

import dsarray as ds
import dsflow
from dsflow import wait_on
from estimators._moments import measure_moments, sum_moments
from estimators.linear_model import LinearRegression

rng = np.random.default_rng(0)
X = rng.standard_normal((500, 4)) * [1, 10, 0.1, 3] + [0, 5, 100, -2]
Y = rng.standard_normal((500, 2)) + 7
WEIGHTS = rng.integers(0, 3, 500).astype(float)


def expected(X, weights=None):
    weights = np.ones(len(X)) if weights is None else weights
    mean = np.average(X, axis=0, weights=weights)
    return weights.sum(), mean, (X - mean).T @ (weights[:, None] * (X - mean))


def assert_same(moments, X, weights=None, rtol=1e-9):
    weight, mean, scatter = expected(X, weights)
    assert moments.n_rows == len(X)
    np.testing.assert_allclose(moments.weight, weight)
    np.testing.assert_allclose(moments.mean, mean, rtol=rtol)
    np.testing.assert_allclose(moments.scatter, scatter, rtol=rtol, atol=rtol * abs(scatter).max())


@pytest.mark.parametrize("block_size", [1, 7, (100, 3), -1])
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["", "weighted"])
def test_agrees_with_numpy_whatever_the_blocks(weights, block_size):
    given = None if weights is None else ds.array(weights, block_size=90)
    found = measure_moments(LinearRegression(), ds.array(X, block_size=block_size), ds.array(Y, block_size=50), given)
    assert_same(wait_on(found), np.column_stack([X, Y]), weights)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["", "weighted"])
def test_sparse_rows_give_the_same(weights):
    sparse = np.where(abs(X) > 1, X, 0)
    assert_same(sum_moments(scipy.sparse.csr_array(sparse), Y, weights), np.column_stack([sparse, Y]), weights)


def test_digits_survive_far_from_the_origin():
    assert_same(sum_moments(X + 1e8), X + 1e8, rtol=1e-7)


def test_rows_of_float32_are_added_up_in_float64():
    rows = X.astype(np.float32)
    assert_same(sum_moments(rows), rows.astype(float))


def test_columns_without_zeros_keep_their_digits_in_sparse_rows():
    rows = np.column_stack([np.where(abs(X) > 1, X, 0), X + 1e8, np.full(500, 0.1)])
    targets = Y + 1e8
    for weights in (None, WEIGHTS):
        found = sum_moments(scipy.sparse.csr_array(rows), targets, weights)
        assert_same(found, np.column_stack([rows, targets]), weights, rtol=1e-7)
        assert found.scatter[8, 8] < 1e-30
    given = scipy.sparse.coo_array(([1.0, 2, 3], ([0, 0, 1], [0, 0, 0])), shape=(2, 1)).tocsr()
    twice = scipy.sparse.csr_array((np.array([1.0, 2, 3, 0.5]), [0, 0, 1, 1], [0, 2, 4]), shape=(2, 2))
    for each in (given, twice):
        before = each.copy()
        assert_same(sum_moments(each), each.toarray())
        assert (each.data == before.data).all()


@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_array])
def test_rows_of_weight_0_are_as_if_they_were_not_there(kind, monkeypatch):
    monkeypatch.setattr("estimators._moments._PART_BYTES", 200)
    rows, targets, weights = X.copy(), Y.copy(), WEIGHTS.copy()
    weights[:100] = 0
    rows[weights == 0] *= 1e12
    found = sum_moments(kind(rows), targets, weights)
    counts = weights > 0
    assert_same(found._replace(n_rows=int(counts.sum())), np.column_stack([X, Y])[counts], weights[counts])
    assert found.n_rows == len(X)


def test_parts_of_a_block_do_not_change_the_result(monkeypatch):
    monkeypatch.setattr("estimators._moments._PART_BYTES", 200)
    assert_same(sum_moments(X, Y, WEIGHTS), np.column_stack([X, Y]), WEIGHTS)


@pytest.mark.parametrize("weights", [None, np.zeros(0)], ids=["", "weighted"])
def test_no_rows_have_no_weight(weights):
    for rows in (X[:0], scipy.sparse.csr_array(X[:0])):
        moments = sum_moments(rows, Y[:0], weights)
        assert (moments.n_rows, moments.weight) == (0, 0)
        assert not moments.scatter.any()


def test_rows_are_checked():
    with pytest.raises(ValueError, match="Input X contains NaN"):
        wait_on(measure_moments(LinearRegression(), ds.array(np.full((4, 2), np.nan))))


def test_more_products_than_the_memory_holds_are_refused():
    dsflow.stop()
    with dsflow.start("threads", workers=2, memory="1 MiB"):
        wide = ds.zeros((1000, 300), block_size=100)
        with pytest.raises(MemoryError, match=r"LinearRegression\.fit: products of 301 columns take 2899232 bytes"):
            LinearRegression().fit(wide, np.zeros(1000))
