"""Triangles of groups of rows are those of the rows together, to the digits of QR."""

import functools

import numpy as np
import pytest

from estimators.decomposition import _triangle
from estimators.decomposition._triangle import add_triangles, sum_triangle

rng = np.random.default_rng(0)


def assert_stands_for(triangle, X, rtol=1e-12):
    deviations = X - X.mean(axis=0)
    expected = np.linalg.svdvals(deviations)
    values = np.linalg.svdvals(triangle.r)
    n = min(len(values), len(expected))
    np.testing.assert_allclose(values[:n], expected[:n], rtol=rtol, atol=1e-13 * expected[0])
    np.testing.assert_allclose(triangle.mean, X.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(triangle.r.T @ triangle.r, deviations.T @ deviations, atol=1e-11 * expected[0] ** 2)
    about_zero = triangle.about_zero()
    np.testing.assert_allclose(about_zero.T @ about_zero, X.T @ X, rtol=1e-10, atol=1e-9)
    assert triangle.n_rows == len(X)


@pytest.mark.parametrize("n_rows", [1, 2, 5, 6, 7, 300])
@pytest.mark.parametrize("part", [1, 1 << 20])
def test_parts_stand_for_all_rows(monkeypatch, n_rows, part):
    monkeypatch.setattr(_triangle, "_PART_BYTES", part)
    X = rng.normal(size=(n_rows, 6)) + 100
    assert_stands_for(sum_triangle(X), X)


@pytest.mark.parametrize("lengths", [(100, 200), (1, 299), (0, 300), (300, 0, 0), (1,) * 5, (3, 2, 50, 1)], ids=str)
def test_groups_stand_for_all_rows(lengths):
    X = rng.normal(size=(sum(lengths), 6)) + 100
    parts = np.split(X, np.cumsum(lengths)[:-1])
    assert_stands_for(functools.reduce(add_triangles, map(sum_triangle, parts)), X)


def test_an_offset_is_taken_off():
    X = rng.normal(size=(50, 4))
    assert_stands_for(sum_triangle(X + 7, np.full(4, 7.0)), X)


def test_small_singular_values_keep_their_digits():
    turn = np.linalg.qr(rng.normal(size=(5, 5))).Q
    X = rng.normal(size=(400, 5)) * 10.0 ** -np.arange(0, 15, 3) @ turn + 3
    expected = np.linalg.svdvals(X - X.mean(axis=0))
    both = add_triangles(sum_triangle(X[:150]), sum_triangle(X[150:]))
    np.testing.assert_allclose(np.linalg.svdvals(both.r), expected, rtol=1e-2)  # by products the last is lost
