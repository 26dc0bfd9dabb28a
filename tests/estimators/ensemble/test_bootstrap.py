import numpy as np
import pytest
import scipy.stats

from estimators.ensemble import _bootstrap
from estimators.ensemble._bootstrap import Bootstrap, count_draws


@pytest.mark.parametrize("mean", [0.01, 1.0, 5.0, 29.9, 30.1, 400.0])
def test_counts_are_those_of_a_poisson_distribution(mean):
    uniform = np.random.default_rng(0).random(2000)
    np.testing.assert_array_equal(count_draws(uniform, mean), scipy.stats.poisson.ppf(uniform, mean))


@pytest.mark.parametrize("lengths", [(100,), (1,) * 100, (33, 0, 67)])
def test_blocking_does_not_change_the_draws(lengths, monkeypatch):
    monkeypatch.setattr(_bootstrap, "_TILE_ROWS", 16)
    weights = np.random.default_rng(0).random(100)
    expected = Bootstrap((3, 4), 0, 1.5).make(weights, 100)
    starts = np.cumsum((0, *lengths[:-1]))
    parts = [
        Bootstrap((3, 4), start, 1.5).make(weights[start : start + n], n)
        for start, n in zip(starts, lengths, strict=True)
    ]
    np.testing.assert_array_equal(np.hstack(parts), expected)
    assert (expected[0] != expected[1]).any()


def test_rows_without_weight_are_never_drawn():
    weights = np.array([0.0, 1.0] * 500)
    counts = Bootstrap((1,), 0, 2.0).make(weights, 1000)[0]
    assert not counts[::2].any()
    assert abs(counts.sum() - 1000) < 150
