import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dsarray as ds
from tests.dsarray.linalg.matrices import assert_close, assert_kind, assert_near, eps_of, few, matrices, normal

CUTS = [2, (3, 3), (4, 2)]


@pytest.mark.parametrize("block_size", CUTS)
@pytest.mark.parametrize("columns", [(), (3,)])
@pytest.mark.parametrize("shape", [(9, 4), (4, 9), (6, 6)])
@pytest.mark.parametrize("rank", [None, 2])
def test_least_squares_agree_with_numpy(shape, rank, columns, block_size):
    x, b = normal(shape), normal((shape[0], *columns), seed=1)
    x = x if rank is None else x[:, :2] @ x[:2]
    ours, numpys = np.linalg.lstsq(ds.array(x, block_size=block_size), b), np.linalg.lstsq(x, b)
    for i in (0, 1, 3):
        assert_close(ours[i], numpys[i])
    assert ours[2] == numpys[2]


def test_least_squares_take_small_singular_values_for_0_as_told():
    x = normal((9, 3)) * [1, 1e-3, 1e-9]
    a = ds.array(x, block_size=4)
    for rcond in (None, 1e-6, 1e-2, -1):
        assert np.linalg.lstsq(a, np.ones(9), rcond)[2] == np.linalg.lstsq(x, np.ones(9), rcond)[2]


@few
@given(matrices(dtypes=["float32", "float64", "complex64", "complex128"]), st.sampled_from([{}, {"rtol": None}]))
def test_pseudo_inverses_invert_as_far_as_can_be(pair, options):
    x, a = pair
    inverse = assert_kind(np.linalg.pinv(a, **(options or {"rcond": 1e-5})), np.linalg.pinv(x))
    condition = np.linalg.norm(x) * np.linalg.norm(inverse)
    assert_near(x @ inverse @ x, x, np.linalg.norm(x) * (1 + condition), eps_of(x))


@few
@given(matrices())
def test_ranks_agree_with_numpy(pair):
    x, a = pair
    assert_close(np.linalg.matrix_rank(a), np.linalg.matrix_rank(x))
    assert_close(np.linalg.matrix_rank(a, tol=5), np.linalg.matrix_rank(x, tol=5))
    assert_close(np.linalg.matrix_rank(a, rtol=0.3), np.linalg.matrix_rank(x, rtol=0.3))


@pytest.mark.parametrize("p", [None, 2, -2, 1, -1, np.inf, -np.inf, "fro", "nuc"])
def test_condition_numbers_agree_with_numpy(p):
    x = normal((6, 6))
    assert_close(np.linalg.cond(ds.array(x, block_size=(4, 2)), p), np.linalg.cond(x, p))


def test_condition_numbers_of_what_is_not_finite_are_numpys():
    for x in (np.zeros((4, 4)), np.diag([1, 1, 1, 0.0])):
        assert float(np.linalg.cond(ds.array(x, block_size=2))) == np.linalg.cond(x) == np.inf


def test_what_does_not_fit_is_refused():
    a = ds.array(normal((4, 3)), block_size=2)
    with pytest.raises(np.linalg.LinAlgError, match="do not fit"):
        np.linalg.lstsq(a, np.ones(3))
    with pytest.raises(ValueError, match="both"):
        np.linalg.pinv(a, 0.1, rtol=0.1)
    with pytest.raises(ValueError, match="both"):
        np.linalg.matrix_rank(a, 0.1, rtol=0.1)
    with pytest.raises(np.linalg.LinAlgError, match="empty"):
        np.linalg.cond(a[:0])
