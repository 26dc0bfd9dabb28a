"""Rows solved together have the factors that each has when solved alone."""

import numpy as np
import pytest
import scipy.sparse

from estimators.recommendation import _row_solves
from estimators.recommendation._row_solves import Problem, solve_rows


def ratings(dtype=float):
    """Rows with none, few and many ratings, of both signs, and with a stored zero."""
    rng = np.random.default_rng(0)
    is_rated = rng.random((50, 40)) < np.linspace(0, 1, 50)[:, None]
    values = np.where(is_rated, rng.integers(-2, 6, (50, 40)) + 0.5, 0)
    matrix = scipy.sparse.csr_array(values.astype(dtype))
    matrix.data[7] = 0
    return matrix


def reference(matrix, columns, problem):
    rows = np.zeros((matrix.shape[0], columns.shape[1]))
    loss = weight = 0.0
    for row in range(matrix.shape[0]):
        span = slice(matrix.indptr[row], matrix.indptr[row + 1])
        factors, values = columns[matrix.indices[span]], matrix.data[span]
        if not len(values):
            continue
        eye = np.eye(columns.shape[1])
        if problem.alpha is None:
            left = factors.T @ factors + problem.reg * len(values) * eye
            rows[row] = np.linalg.solve(left, factors.T @ values)
            loss += ((values - factors @ rows[row]) ** 2).sum()
            weight += len(values)
        else:
            confidence = np.ones(len(columns))
            confidence[matrix.indices[span]] += problem.alpha * np.abs(values)
            wanted = np.zeros(len(columns))
            wanted[matrix.indices[span]] = values > 0
            left = columns.T @ (confidence[:, None] * columns) + problem.reg * eye
            rows[row] = np.linalg.solve(left, columns.T @ (confidence * wanted))
            scores = columns @ rows[row]
            loss += (confidence * (wanted - scores) ** 2).sum() - (scores**2).sum()
            weight += confidence[matrix.indices[span]].sum()
    return rows, loss, weight


@pytest.mark.parametrize("elements", [1 << 19, 200, 1], ids=["together", "a few", "one by one"])
@pytest.mark.parametrize("n_factors", [1, 5, 30, 60])
@pytest.mark.parametrize("alpha", [None, 2.0], ids=["explicit", "implicit"])
def test_each_row_has_its_own_solution(monkeypatch, elements, n_factors, alpha):
    monkeypatch.setattr(_row_solves, "_ELEMENTS", elements)
    columns = np.random.default_rng(1).normal(size=(40, n_factors))
    problem = Problem(0.3, alpha)
    found = solve_rows(ratings(), columns, columns.T @ columns, problem)
    expected = reference(ratings(), columns, problem)
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(found[1:], expected[1:], rtol=1e-7)


@pytest.mark.parametrize("alpha", [None, 2.0], ids=["explicit", "implicit"])
def test_single_precision_stays_single(alpha):
    columns = np.random.default_rng(1).normal(size=(40, 9)).astype(np.float32)
    problem = Problem(0.3, alpha)
    rows, *_ = solve_rows(ratings(np.float32), columns, columns.T @ columns, problem)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, reference(ratings(), columns.astype(float), problem)[0], atol=1e-3)
