import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dsarray as ds
from tests.dsarray.linalg.matrices import (
    assert_close,
    assert_kind,
    assert_near,
    assert_orthonormal,
    eps_of,
    few,
    matrices,
    normal,
)


@few
@given(matrices(), st.sampled_from(["reduced", "complete"]))
def test_factors_multiply_to_the_matrix_and_q_is_orthonormal_for_any_rank(pair, mode):
    x, a = pair
    q, r = np.linalg.qr(a, mode)
    expected = np.linalg.qr(x, mode)
    q, r = assert_kind(q, expected.Q), assert_kind(r, expected.R)
    assert_near(q @ r, x, np.linalg.norm(x), eps_of(x))
    assert_orthonormal(q)
    assert np.array_equal(r, np.triu(r))


@few
@given(matrices(full_rank=True), st.sampled_from(["reduced", "complete"]))
def test_factors_of_full_rank_are_numpys_to_the_sign(pair, mode):
    x, a = pair
    for ours, numpys in zip(np.linalg.qr(a, mode), np.linalg.qr(x, mode), strict=True):
        assert_close(ours, numpys, 1e5)
    assert_close(np.linalg.qr(a, "r"), np.linalg.qr(x, "r"), 1e5)


@pytest.mark.parametrize("x", [np.eye(9), np.eye(9, 4), np.triu(normal((9, 9)))])
def test_what_is_triangular_keeps_its_signs(x):
    assert_close(np.linalg.qr(ds.array(x, block_size=(2, 3))).R, np.linalg.qr(x).R)


@pytest.mark.parametrize("block_size", [(30, 30), (64, 64), (50, 15), (15, 50), (-1, 20)])
def test_errors_stay_at_rounding_for_nearly_dependent_columns(block_size):
    x = normal((150, 100)) * np.logspace(0, -18, 100)
    q, r = np.linalg.qr(ds.array(x, block_size=block_size))
    assert_near(q.collect() @ r.collect(), x, np.linalg.norm(x), eps_of(x))
    assert_orthonormal(q.collect())


def test_stacks_are_done_matrix_by_matrix():
    x = normal((3, 4, 5))
    for ours, numpys in zip(np.linalg.qr(ds.array(x, block_size=(2, 3, 2))), np.linalg.qr(x), strict=True):
        assert_close(ours, numpys)


def test_nothing_runs_before_it_is_needed(tasks):
    q, _ = np.linalg.qr(ds.array(normal((40, 40)), block_size=(10, 10)))
    assert tasks.n == 0
    assert q.grid == (4, 4)


def test_what_is_not_done_is_refused():
    a = ds.array(normal((4, 4)), block_size=2)
    with pytest.raises(TypeError, match="mode='raw'"):
        np.linalg.qr(a, "raw")
    with pytest.raises(ValueError, match="'complete'"):
        np.linalg.qr(a, "full rank")
    with pytest.raises(np.linalg.LinAlgError, match="no matrix"):
        np.linalg.qr(a[0])
    with pytest.raises(TypeError, match="float16"):
        np.linalg.qr(a.astype("float16"))
