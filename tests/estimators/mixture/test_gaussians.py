"""What rows say about components does not depend on how many are worked on at a time."""

import numpy as np
import pytest

from estimators.mixture import _gaussians
from estimators.mixture._gaussians import add_statistics, make_gaussians, share_rows, sum_expected, sum_given

rng = np.random.default_rng(0)
rows = rng.normal(size=(200, 3))
means = rng.normal(size=(4, 3))
FACTORS = {
    "full": np.stack([np.triu(rng.random((3, 3))) + np.eye(3) for _ in range(4)]),
    "tied": np.triu(rng.random((3, 3))) + np.eye(3),
    "diag": rng.random((4, 3)) + 0.5,
    "spherical": rng.random(4) + 0.5,
}


def mixture(kind):
    return make_gaussians(kind, np.array([0.1, 0.2, 0.3, 0.4]), means, FACTORS[kind])


def assert_equal(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", FACTORS)
@pytest.mark.parametrize("lengths", [(200,), (0, 200), (1, 199), (100, 50, 50)], ids=str)
def test_groups_and_parts_say_what_all_rows_say(monkeypatch, kind, lengths):
    expected = sum_expected(rows, mixture(kind))
    monkeypatch.setattr(_gaussians, "_PART_BYTES", 1)
    parts = np.split(rows, np.cumsum(lengths)[:-1])
    total = sum_expected(parts[0], mixture(kind))
    for part in parts[1:]:
        total = add_statistics(total, sum_expected(part, mixture(kind)))
    assert_equal(total, expected)


@pytest.mark.parametrize("kind", FACTORS)
def test_given_shares_say_what_expected_ones_say(kind):
    expected = sum_expected(rows, mixture(kind))
    found = sum_given(rows, 3 * share_rows(rows, mixture(kind)), means, kind)
    assert_equal(found[1:], expected[1:])


@pytest.mark.parametrize("kind", FACTORS)
def test_labels_are_shares_of_1(kind):
    labels = rng.integers(0, 4, len(rows))
    assert_equal(sum_given(rows, labels, means, kind), sum_given(rows, np.eye(4)[labels], means, kind))


def test_second_moments_are_those_around_the_means():
    shares = share_rows(rows, mixture("full"))
    found = sum_expected(rows, mixture("full"))
    for k in range(4):
        deviations = rows - means[k]
        np.testing.assert_allclose(found.seconds[k], (shares[:, k] * deviations.T) @ deviations)
        np.testing.assert_allclose(found.firsts[k], shares[:, k] @ deviations)
