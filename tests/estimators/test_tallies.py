"""Tallies count what NumPy counts, however the values come."""

import numpy as np
import pytest

from estimators._tallies import add_tallies, tally, tally_columns

rng = np.random.default_rng(0)
NUMBERS = rng.integers(0, 5, (40, 3))
KINDS = {
    "int": NUMBERS,
    "bool": NUMBERS > 2,
    "with NaN": np.where(rng.random(NUMBERS.shape) < 0.2, np.nan, NUMBERS),
    "text": np.array(["red", "green", "blue", "white", "black"])[NUMBERS],
}


@pytest.mark.parametrize("X", KINDS.values(), ids=KINDS)
def test_counts_of_parts_add_up_to_those_of_all(X):
    parts = [tally_columns(part.T, X.dtype) for part in (X[:7], X[7:7], X[7:])]
    found = add_tallies(add_tallies(parts[2], parts[1]), parts[0])
    for column, (values, counts) in zip(X.T, found.split(3), strict=True):
        expected, n_expected = np.unique(column, return_counts=True)
        np.testing.assert_array_equal(values, expected)
        np.testing.assert_array_equal(counts, n_expected)


def test_places_without_values_are_empty():
    found = tally(np.array([3, 1, 3]), np.array([2.0, 5, 2]), np.array([1, 1, 4]))
    assert [(values.tolist(), counts.tolist()) for values, counts in found.split(5)] == [
        ([], []), ([5], [1]), ([], []), ([2], [5]), ([], []),
    ]  # fmt: skip


def test_of_values_that_are_as_frequent_the_least_is_taken():
    columns = [np.array([4, 3, 3, 4, 9]), np.array([7, 8, 8]), np.zeros(0, dtype=int)]
    np.testing.assert_array_equal(tally_columns(columns, np.dtype(int)).most_frequent(3), [3, 8, 0])


def test_counts_may_be_left_out():
    found = tally_columns([np.array([4, 3, 3])], np.dtype(int), counted=False)
    assert (found.values.tolist(), found.counts.tolist()) == ([3, 4], [0, 0])
