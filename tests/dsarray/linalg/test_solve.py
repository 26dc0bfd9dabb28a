import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import dsarray as ds
from tests.dsarray.linalg.matrices import assert_close, assert_kind, eps_of, few, matrices, normal
from tests.dsarray.strategies import blocked


@few
@given(matrices(square=True, full_rank=True), st.sampled_from([(), (1,), (3,), (0,)]), st.data())
def test_solutions_have_a_small_residual(pair, columns, data):
    x, a = pair
    assume(not len(x) or np.linalg.cond(x) < 1e4)
    b = normal((len(x), *columns), "float32", 5)
    solution = assert_kind(np.linalg.solve(a, data.draw(blocked(b))), np.linalg.solve(x, b))
    limit = 50 * eps_of(x) * np.linalg.norm(x) * np.linalg.norm(solution)
    assert np.linalg.norm(x @ solution - b) <= limit + 1e-6 * np.linalg.norm(b) * (eps_of(x) > 1e-8)


@few
@given(matrices(square=True, full_rank=True))
def test_inverses_and_determinants_agree_with_numpy(pair):
    x, a = pair
    assume(not len(x) or np.linalg.cond(x) < 1e4)
    assert_close(np.linalg.inv(a), np.linalg.inv(x), 1e5)
    assert_close(np.linalg.det(a), np.linalg.det(x), 1e5)
    for ours, numpys in zip(np.linalg.slogdet(a), np.linalg.slogdet(x), strict=True):
        assert_close(ours, numpys, 1e5)


@pytest.mark.parametrize("block_size", [(40, 40), (64, 64), (50, 25), (-1, 30)])
def test_the_backward_error_is_that_of_partial_pivoting(block_size):
    x, b = normal((150, 150)), normal((150, 2), seed=1)
    x[:75, :75] = 0  # without pivots this fails
    solution = np.linalg.solve(ds.array(x, block_size=block_size), b).collect()
    scale = np.linalg.norm(x) * np.linalg.norm(solution)
    assert np.linalg.norm(x @ solution - b) < 10 * eps_of(x) * scale


def test_a_permutation_is_undone_exactly():
    order = np.random.default_rng(0).permutation(17)
    x = np.eye(17)[order]
    a = ds.array(x, block_size=(5, 3))
    assert np.array_equal(np.linalg.inv(a), x.T)
    assert float(np.linalg.det(a)) == pytest.approx(np.linalg.det(x))


def test_singular_matrices_are_an_error_at_the_wait_and_have_determinant_0(session):
    x = normal((7, 7))
    x[3] = 0
    a = ds.array(x, block_size=(3, 2))
    for result in (np.linalg.solve(a, np.ones(7)), np.linalg.inv(a)):
        with pytest.raises(np.linalg.LinAlgError, match="Singular"):
            result.collect()
        session._failures.clear()
    assert float(np.linalg.det(a)) == 0
    assert [float(part) for part in np.linalg.slogdet(a)] == [0, -np.inf]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_determinants_of_what_is_not_finite_are_not_finite(bad):
    x = np.diag([1.0, 2, -3, 4, 5])
    x[0, 4] = 0.5
    x[3, 3] = bad
    with np.errstate(invalid="ignore"):
        expected = np.linalg.slogdet(x)
    a = ds.array(x, block_size=2)
    for ours, numpys in zip(np.linalg.slogdet(a), expected, strict=True):
        assert float(ours) == pytest.approx(numpys, nan_ok=True)
    assert float(np.linalg.det(a)) == pytest.approx(expected.sign * np.exp(expected.logabsdet), nan_ok=True)
    assert not np.isfinite(complex(np.linalg.det(a.astype("complex64"))))


def test_a_determinant_with_nan_among_random_elements_is_nan():
    x = normal((7, 7))
    x[4, 1] = np.nan
    a = ds.array(x, block_size=(3, 2))
    assert np.isnan(float(np.linalg.det(a)))
    sign, logarithm = (float(part) for part in np.linalg.slogdet(a))
    assert abs(sign) == 1
    assert np.isnan(logarithm)


def test_stacks_broadcast_as_in_numpy():
    x, b = normal((3, 4, 4)), normal((4, 2), seed=1)
    a = ds.array(x, block_size=(2, 3, 2))
    assert_close(np.linalg.solve(a, b), np.linalg.solve(x, b))
    assert_close(np.linalg.solve(a, b[:, 0]), np.linalg.solve(x, b[:, 0]))
    assert_close(np.linalg.inv(a), np.linalg.inv(x))
    assert_close(np.linalg.det(a), np.linalg.det(x))


def test_shapes_that_do_not_fit_are_refused():
    a = ds.array(normal((4, 4)), block_size=2)
    with pytest.raises(np.linalg.LinAlgError, match="square"):
        np.linalg.inv(a[:3])
    with pytest.raises(ValueError, match="mismatch"):
        np.linalg.solve(a, np.ones(3))
