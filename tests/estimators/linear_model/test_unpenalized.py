"""Solutions are those of NumPy and SciPy, in any units, and moderate where features depend on each other."""

import numpy as np
import pytest
import scipy.optimize

from estimators.linear_model._unpenalized import solve_freely, solve_positively

rng = np.random.default_rng(0)
X, Y = rng.standard_normal((7, 6)), rng.standard_normal((7, 2))
UNITS = 10.0 ** np.array([-6, 6, 0, 3, -3, 1])


@pytest.mark.parametrize("units", [np.ones(6), UNITS], ids=["alike", "units"])
def test_solutions_are_the_least_there_are_in_any_units(units):
    expected = np.linalg.lstsq(X, Y)[0].T
    np.testing.assert_allclose(solve_freely(X * units, Y) * units, expected)
    np.testing.assert_allclose(solve_freely(X * units, Y[:, 0]) * units, expected[0])
    expected = np.array([scipy.optimize.nnls(X, column)[0] for column in Y.T])
    np.testing.assert_allclose(solve_positively(X * units, Y) * units, expected, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(solve_positively(X * units, Y[:, 0]) * units, expected[0], rtol=1e-6, atol=1e-9)


def test_features_that_depend_on_each_other_or_are_0_get_moderate_coefficients():
    wide = np.column_stack([X[:, :2], X[:, :2] @ [1.0, 2.0], X[:, 0] * 1e6, np.zeros(7)])
    for solve in (solve_freely, solve_positively):
        coef = solve(wide, Y) * np.linalg.norm(wide, axis=0)
        assert abs(coef).max() < 10
        assert not coef[:, 4].any()
    positive = scipy.optimize.nnls(wide[:, :2], Y[:, 0])[1]
    assert np.linalg.norm(wide @ solve_positively(wide, Y[:, 0]) - Y[:, 0]) <= positive + 1e-9
