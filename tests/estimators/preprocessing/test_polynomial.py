"""PolynomialFeatures gives what scikit-learn's does."""

import numpy as np
import pytest
import scipy.sparse
import sklearn.preprocessing
from sklearn.datasets import load_wine

import dsarray as ds
from estimators.preprocessing import PolynomialFeatures

WINE = load_wine().data[:, :4]
PARAMETERS = [{}, {"degree": 3}, {"degree": (2, 3)}, {"interaction_only": True}, {"include_bias": False}]


@pytest.mark.parametrize("block_size", [None, 1, (50, 2)])
@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_gives_what_scikit_learn_does(parameters, block_size):
    theirs = sklearn.preprocessing.PolynomialFeatures(**parameters).fit(WINE)
    cut = ds.array(WINE, block_size=block_size)
    ours = PolynomialFeatures(**parameters).fit(cut)
    np.testing.assert_array_equal(ours.powers_, theirs.powers_)
    np.testing.assert_array_equal(ours.get_feature_names_out(), theirs.get_feature_names_out())
    np.testing.assert_allclose(ours.transform(cut).collect(), theirs.transform(WINE))


def test_sparse_rows_stay_sparse():
    X = scipy.sparse.csr_array(np.where(WINE > 2, WINE, 0))
    found = PolynomialFeatures().fit_transform(ds.array(X, block_size=33))
    assert found.sparse
    expected = sklearn.preprocessing.PolynomialFeatures().fit_transform(X).toarray()
    np.testing.assert_allclose(found.collect().toarray(), expected)


def test_engine_does_not_change_the_result(on_every_engine):
    found = PolynomialFeatures().fit_transform(ds.array(WINE, block_size=50)).collect()
    np.testing.assert_allclose(found, sklearn.preprocessing.PolynomialFeatures().fit_transform(WINE))


def test_empty_blocks_are_ordinary():
    cut = ds.from_blocks([[WINE[:0]], [WINE[:9]], [WINE[:0]]], ((0, 9, 0), (4,)), float)
    assert PolynomialFeatures().fit_transform(cut).collect().shape == (9, 15)


def test_errors_say_what_is_wrong():
    with pytest.raises(ValueError, match="contains NaN"):
        PolynomialFeatures().fit_transform(ds.array(np.full((4, 2), np.nan))).collect()
    with pytest.raises(ValueError, match="must be non-negative integers that fulfil"):
        PolynomialFeatures(degree=(3, 2)).fit(ds.array(WINE))
