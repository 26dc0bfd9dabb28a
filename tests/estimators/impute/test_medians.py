"""Medians that are found by counting are those that sorting finds."""

import numpy as np
import pytest
import scipy.sparse

import dsarray as ds
from estimators.impute import _medians
from estimators.impute._medians import find_medians

rng = np.random.default_rng(0)


def columns(n_rows):
    X = np.column_stack([
        rng.standard_normal(n_rows),
        rng.lognormal(sigma=5, size=n_rows),
        rng.integers(0, 3, n_rows),
        np.full(n_rows, 0.1),
        np.where(rng.random(n_rows) < 0.5, -8e307, 8e307),
        rng.standard_normal(n_rows) * 1e-300,
        1e9 + rng.random(n_rows),
    ])  # fmt: skip
    X[rng.random(X.shape) < 0.1] = np.nan
    X[:, 3] = 0.1
    return X


def found(X, block_size):
    return find_medians(ds.array(X, block_size=block_size), np.nanmin(X, axis=0), np.nanmax(X, axis=0),
                        (~np.isnan(X)).sum(axis=0))  # fmt: skip


@pytest.mark.parametrize("few", [1, 3, 1000])
@pytest.mark.parametrize("n_rows", [1, 2, 7, 100, 5001])
def test_finds_what_sorting_finds(n_rows, few, monkeypatch):
    monkeypatch.setattr(_medians, "_FEW", few)
    X = columns(n_rows)
    X[0] = 0.5
    np.testing.assert_array_equal(found(X, 700), np.nanmedian(X, axis=0))


@pytest.mark.parametrize("few", [1, 1000])
@pytest.mark.parametrize("block_size", [1, 70])
def test_zeros_that_are_not_stored_count(block_size, few, monkeypatch):
    monkeypatch.setattr(_medians, "_FEW", few)
    X = rng.standard_normal((200, 5))
    X[rng.random(X.shape) < [0.1, 0.4, 0.5, 0.6, 1]] = 0
    cut = ds.array(scipy.sparse.csr_array(X), block_size=block_size)
    medians = find_medians(cut, X.min(axis=0), X.max(axis=0), np.array([200, 200, 200, 200, 0]))
    np.testing.assert_array_equal(medians, [*np.median(X[:, :4], axis=0), np.nan])


def test_few_values_come_to_the_main_program(monkeypatch):
    arrived = []
    wait_on = _medians.wait_on
    monkeypatch.setattr(_medians, "wait_on", lambda future: arrived.append(wait_on(future)) or arrived[-1])
    X = np.random.default_rng(0).lognormal(sigma=3, size=(200_000, 1))
    np.testing.assert_array_equal(found(X, 50_000), np.median(X, axis=0))
    assert 1 < len(arrived) < 7
    assert 0 < len(arrived[-1].values) <= 2 * _medians._FEW


def test_engine_does_not_change_the_result(on_every_engine):
    X = columns(3000)
    np.testing.assert_array_equal(found(X, 500), np.nanmedian(X, axis=0))
