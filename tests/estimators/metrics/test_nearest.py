"""The nearest of other rows, as ds-arrays."""

import numpy as np
import pytest
import scipy.sparse
import sklearn.metrics

import dsarray as ds
from dsflow.testing import forbid_compute
from estimators.metrics import pairwise_distances_argmin, pairwise_distances_argmin_min

rng = np.random.default_rng(0)
X, Y = rng.random((20, 3)), rng.random((11, 3))


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan", "minkowski"])
@pytest.mark.parametrize("axis", [0, 1])
def test_they_are_those_of_scikit_learn(metric, axis):
    how = {"metric": metric, "axis": axis, "metric_kwargs": {"p": 3} if metric == "minkowski" else None}
    expected = sklearn.metrics.pairwise_distances_argmin_min(X, Y, **how)
    for left, right in (((7, -1), 4), ((20, 2), 11), (((0, 1, 19), 3), ((3, 0, 8), 3))):
        found = pairwise_distances_argmin_min(ds.array(X, block_size=left), ds.array(Y, block_size=right), **how)
        np.testing.assert_array_equal(found[0].collect(), expected[0])
        np.testing.assert_allclose(found[1].collect(), expected[1])
        assert found[0].dtype == np.intp
    np.testing.assert_array_equal(pairwise_distances_argmin(X, ds.array(Y, block_size=4), **how).collect(), expected[0])
    np.testing.assert_array_equal(pairwise_distances_argmin(X, Y, **how), expected[0])


def test_of_equal_distances_the_first_is_taken_and_rows_may_be_sparse():
    twice = np.concatenate([Y, Y])
    found = pairwise_distances_argmin(ds.array(scipy.sparse.csr_matrix(X), block_size=7), ds.array(twice, block_size=4))
    np.testing.assert_array_equal(found.collect(), sklearn.metrics.pairwise_distances_argmin(X, Y))


def test_nothing_is_measured_before_it_is_needed(on_every_engine):
    left, right = ds.array(X, block_size=7), ds.array(Y, block_size=4)
    list(left.blocks.flat), list(right.blocks.flat)
    with forbid_compute():
        found = pairwise_distances_argmin(left, right)
    np.testing.assert_array_equal(found.collect(), sklearn.metrics.pairwise_distances_argmin(X, Y))


def test_what_makes_no_sense_is_refused():
    cut = ds.array(X, block_size=7)
    with pytest.raises(ValueError, match="'foo'"):
        pairwise_distances_argmin(cut, Y, metric="foo")
    with pytest.raises(ValueError, match="axis=2"):
        pairwise_distances_argmin(cut, Y, axis=2)
    with pytest.raises(ValueError, match="Incompatible dimension"):
        pairwise_distances_argmin(cut, Y[:, :2])
    with pytest.raises(ValueError, match="0 sample"):
        pairwise_distances_argmin(cut, Y[:0])
