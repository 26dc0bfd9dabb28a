import numpy as np
import pytest

import dsarray as ds
from dsflow import wait_on
from estimators.tree import _bins
from estimators.tree._bins import find_bins


def bins_of(X, block_size=100):
    x = ds.array(X, block_size=block_size)
    return wait_on(find_bins(ds.defer_row_blocks(np.copy, x), x.chunks[0], x.shape[1]))


def test_few_values_have_a_bin_each():
    X = np.random.default_rng(0).integers(0, 200, (1000, 2)).astype(np.float32)
    bins = bins_of(X)
    assert bins.n_bins.tolist() == [len(np.unique(column)) for column in X.T]
    codes = bins.cut(X)
    assert codes.dtype == np.uint8
    np.testing.assert_array_equal(bins.low[[0, 1], codes.astype(int)], X)
    assert bins.thresholds(0, 3, 4) == (bins.high[0, 3] + bins.low[0, 4]) / 2


def test_many_values_share_bins_of_about_as_many_rows():
    X = np.random.default_rng(0).exponential(size=(5100, 1)).astype(np.float32)
    codes = bins_of(X).cut(X)[:, 0]
    assert len(np.unique(codes)) == 255
    assert np.bincount(codes).tolist() == [20] * 255
    order = np.argsort(X[:, 0])
    assert (np.diff(codes[order].astype(int)) >= 0).all()


@pytest.mark.parametrize("block_size", [7, 333, 1000])
def test_blocking_does_not_change_the_bins(block_size, monkeypatch):
    monkeypatch.setattr(_bins, "_LEAST_SAMPLE", 300)
    monkeypatch.setattr(_bins, "_SAMPLE_VALUES", 1)
    X = np.random.default_rng(0).normal(size=(1000, 3)).astype(np.float32)
    X[:, 2] = X[:, 2] > 2  # rarer than the sample can be sure to show
    bins, expected = bins_of(X, block_size), bins_of(X, 100)
    assert bins.n_bins.tolist()[2] == 2
    for name in ("low", "high", "n_bins"):
        np.testing.assert_array_equal(getattr(bins, name), getattr(expected, name))


def test_missing_values_have_a_code_of_their_own():
    X = np.array([[1, np.nan], [2, np.nan], [np.nan, np.nan]], dtype=np.float32)
    bins = bins_of(X)
    assert bins.has_missing
    assert bins.cut(X).tolist() == [[0, 1], [1, 1], [2, 1]]
    assert bins.thresholds(0, 1, 2) == np.inf


def test_large_and_unlimited_thresholds_do_not_overflow():
    largest = np.finfo(np.float32).max
    X = np.array([[largest], [largest / 2], [-largest]], dtype=np.float32)
    assert bins_of(X).cut(X).tolist() == [[2], [1], [0]]
