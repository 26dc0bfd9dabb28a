"""MinMaxScaler learns and gives what scikit-learn's does, whatever the blocks and the engine."""

import numpy as np
import pytest
import scipy.sparse
import sklearn.preprocessing
from sklearn.datasets import load_wine

import dsarray as ds
from dsflow.testing import forbid_compute
from estimators.preprocessing import MinMaxScaler

WINE = load_wine().data[::2]


def with_gaps(X):
    gaps = X.copy()
    gaps[np.random.default_rng(1).random(X.shape) < 0.2] = np.nan
    return gaps


KINDS = {"dense": WINE, "float32": WINE.astype(np.float32), "int": WINE.astype(int), "with NaN": with_gaps(WINE)}


def assert_same(ours, theirs):
    for name in ("min_", "scale_", "data_min_", "data_max_", "data_range_", "n_samples_seen_"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), err_msg=name)


@pytest.mark.parametrize("block_size", [None, 1, (20, 2)])
@pytest.mark.parametrize("parameters", [{}, {"feature_range": (-2, 3)}, {"clip": True}], ids=str)
@pytest.mark.parametrize("X", KINDS.values(), ids=KINDS)
def test_finds_and_gives_what_scikit_learn_does(X, parameters, block_size):
    theirs = sklearn.preprocessing.MinMaxScaler(**parameters).fit(X[:50])
    ours = MinMaxScaler(**parameters).fit(ds.array(X[:50], block_size=block_size))
    assert_same(ours, theirs)
    found = ours.transform(ds.array(X, block_size=block_size))
    np.testing.assert_array_equal(found.collect(), theirs.transform(X))
    np.testing.assert_array_equal(ours.inverse_transform(found).collect(), theirs.inverse_transform(found.collect()))


def test_learns_part_by_part():
    ours, theirs = MinMaxScaler(), sklearn.preprocessing.MinMaxScaler()
    for part in (WINE[:1], WINE[1:40], WINE[40:]):
        assert_same(ours.partial_fit(ds.array(part, block_size=20)), theirs.partial_fit(part))


def test_engine_does_not_change_the_result(on_every_engine):
    found = MinMaxScaler().fit_transform(ds.array(WINE, block_size=50)).collect()
    np.testing.assert_array_equal(found, sklearn.preprocessing.MinMaxScaler().fit_transform(WINE))


def test_transform_computes_nothing():
    cut = ds.array(WINE, block_size=50)
    scaler = MinMaxScaler().fit(cut)
    with forbid_compute():
        assert scaler.transform(cut).shape == WINE.shape


def test_errors_say_what_is_wrong():
    with pytest.raises(TypeError, match="does not support sparse input"):
        MinMaxScaler().fit(scipy.sparse.eye_array(4))
    with pytest.raises(TypeError, match="dense data is required"):
        MinMaxScaler().fit(ds.array(scipy.sparse.eye_array(4)))
    with pytest.raises(ValueError, match="Minimum of desired feature range must be smaller"):
        MinMaxScaler(feature_range=(1, 0)).fit(ds.array(WINE))
    with pytest.raises(ValueError, match="Input X contains infinity"):
        MinMaxScaler().fit(ds.array(np.full((4, 2), np.inf)))
