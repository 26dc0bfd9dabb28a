import numpy as np
import pytest

import dsarray as ds
from dsflow.testing import forbid_compute

RNG = np.random.default_rng(0)
X = np.sort(RNG.normal(size=30))
Y = 2 * X**2 - X + RNG.normal(size=30) / 10
BLOCKS = pytest.mark.parametrize("block_size", [1, 7, 30])


@BLOCKS
@pytest.mark.parametrize("p", [[1.5, 0, -2], [3], [], np.array([1, 2])])
@pytest.mark.parametrize("x", [X, X.reshape(5, 6), np.arange(6), X[:0], np.float32(X)])
def test_values_of_a_polynomial_are_numpys(p, x, block_size):
    expected = np.polyval(p, x)
    with forbid_compute():
        found = np.polyval(p, ds.array(x, block_size=block_size))
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found.collect(), expected)


def test_coefficients_may_be_an_array_and_polynomials_values():
    p = ds.array([1.0, 2, 3], block_size=2)
    np.testing.assert_array_equal(np.polyval(p, X), np.polyval([1.0, 2, 3], X))
    assert np.polyval(p, np.poly1d([1, 1])) == np.polyval([1.0, 2, 3], np.poly1d([1, 1]))


@BLOCKS
@pytest.mark.parametrize("y", [Y, np.column_stack([Y, -Y])], ids=["one", "two"])
@pytest.mark.parametrize("w", [None, np.linspace(0, 1, 30)], ids=["", "weighted"])
def test_a_polynomial_fits_as_numpys(y, w, block_size):
    x, values = ds.array(X, block_size=block_size), ds.array(y, block_size=11)
    for deg in (0, 2, 4):
        expected = np.polyfit(X, y, deg, w=w)
        np.testing.assert_allclose(np.polyfit(x, values, deg, w=w), expected, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(np.polyfit(x, y, deg, w=w), expected, rtol=1e-8, atol=1e-10)
    for cov in (True, "unscaled"):
        for found, wanted in zip(
            np.polyfit(x, values, 2, w=w, cov=cov), np.polyfit(X, y, 2, w=w, cov=cov), strict=True
        ):
            np.testing.assert_allclose(np.broadcast_to(found, wanted.shape), wanted, rtol=1e-7, atol=1e-12)
    for found, wanted in zip(
        np.polyfit(x, values, 2, w=w, full=True), np.polyfit(X, y, 2, w=w, full=True), strict=True
    ):
        np.testing.assert_allclose(found, wanted, rtol=1e-7)


@pytest.mark.parametrize(
    ("x", "y", "deg", "more"),
    [
        (X, Y, -1, {}),
        (X.reshape(5, 6), Y, 1, {}),
        (X[:0], Y[:0], 1, {}),
        (X, Y.reshape(5, 3, 2), 1, {}),
        (X, Y[:9], 1, {}),
        (X, Y, 1, {"w": X[:3]}),
        (X, Y, 1, {"w": X[:, None]}),
        (X[:2], Y[:2], 1, {"cov": True}),
    ],
)
def test_errors_are_numpys(x, y, deg, more):
    with pytest.raises((TypeError, ValueError)) as expected:
        np.polyfit(x, y, deg, **more)
    with pytest.raises(type(expected.value), match=str(expected.value).replace("(", r"\(")):
        np.polyfit(ds.array(x), ds.array(y), deg, **more)


def test_a_fit_that_points_do_not_settle_warns():
    with pytest.warns(np.exceptions.RankWarning, match="poorly conditioned"):
        np.polyfit(ds.ones(5), ds.ones(5), 2)
