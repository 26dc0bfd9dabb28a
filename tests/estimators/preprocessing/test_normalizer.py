"""Normalizer gives what scikit-learn's does, and computes nothing before it is needed."""

import numpy as np
import pytest
import scipy.sparse
import sklearn.preprocessing
from sklearn.datasets import load_wine

import dsarray as ds
from dsflow.testing import forbid_compute
from estimators.preprocessing import Normalizer

WINE = load_wine().data


@pytest.mark.parametrize("block_size", [None, 1, 7, (50, 2)])
@pytest.mark.parametrize("norm", ["l1", "l2", "max"])
def test_gives_what_scikit_learn_does(norm, block_size):
    expected = sklearn.preprocessing.Normalizer(norm).fit_transform(WINE)
    cut = ds.array(WINE, block_size=block_size)
    with forbid_compute():
        found = Normalizer(norm).fit(cut).transform(cut)
    np.testing.assert_allclose(found.collect(), expected)
    np.testing.assert_allclose(Normalizer(norm).fit_transform(WINE), expected)


@pytest.mark.parametrize("norm", ["l1", "l2", "max"])
def test_sparse_rows_stay_sparse(norm):
    X = scipy.sparse.csr_array(np.where(WINE > 2, WINE, 0))
    found = Normalizer(norm).fit_transform(ds.array(X, block_size=33))
    assert found.sparse
    expected = sklearn.preprocessing.Normalizer(norm).fit_transform(X).toarray()
    np.testing.assert_allclose(found.collect().toarray(), expected)


def test_engine_does_not_change_the_result(on_every_engine):
    found = Normalizer().fit_transform(ds.array(WINE, block_size=50)).collect()
    np.testing.assert_allclose(found, sklearn.preprocessing.Normalizer().fit_transform(WINE))


def test_errors_say_what_is_wrong():
    with pytest.raises(ValueError, match="'norm' parameter of Normalizer must be"):
        Normalizer("l3").fit(ds.array(WINE))
    with pytest.raises(ValueError, match="contains NaN"):
        Normalizer().fit_transform(ds.array(np.full((4, 2), np.nan))).collect()
    with pytest.raises(ValueError, match="X has 2 features, but Normalizer is expecting 13"):
        Normalizer().fit(ds.array(WINE)).transform(ds.array(WINE[:, :2]))
