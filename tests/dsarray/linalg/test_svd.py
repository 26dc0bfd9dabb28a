import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dsarray as ds
from dsarray.linalg import _matrices
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
@given(matrices(), st.booleans())
def test_factors_are_orthonormal_and_multiply_to_the_matrix(pair, full_matrices):
    x, a = pair
    expected = np.linalg.svd(x, full_matrices)
    u, s, vh = (assert_kind(*both) for both in zip(np.linalg.svd(a, full_matrices), expected, strict=True))
    assert_near((u[:, : len(s)] * s) @ vh[: len(s)], x, np.linalg.norm(x), eps_of(x))
    assert_near(s, expected.S, np.linalg.norm(x), eps_of(x))
    assert_orthonormal(u)
    assert_orthonormal(vh.conj().T)
    assert_near(np.linalg.svdvals(a).collect(), expected.S, np.linalg.norm(x), eps_of(x))
    assert_near(np.linalg.svd(a, compute_uv=False).collect(), expected.S, np.linalg.norm(x), eps_of(x))


def test_stacks_are_done_matrix_by_matrix():
    x = normal((3, 4, 5))
    assert_close(np.linalg.svdvals(ds.array(x, block_size=(2, 3, 2))), np.linalg.svdvals(x))


def test_hermitian_matrices_of_one_block_are_done_as_numpy_does():
    x = normal((5, 5))
    assert_close(np.linalg.svd(ds.array(x + x.T), hermitian=True).S, np.linalg.svd(x + x.T, hermitian=True).S)


def test_what_is_too_large_for_one_task_is_refused_before_it_starts(monkeypatch, tasks):
    monkeypatch.setattr(_matrices, "WHOLE_BYTES", 8 * 9)
    a = ds.array(normal((8, 4)), block_size=2)
    with pytest.raises(MemoryError, match=r"svd: .* \(4, 4\) and 128 bytes"):
        np.linalg.svd(a)
    assert np.linalg.svdvals(a[:, :3]).shape == (3,)
    assert tasks.n == 0


def test_sparse_arrays_are_refused():
    import scipy.sparse

    with pytest.raises(TypeError, match="to_dense"):
        np.linalg.svd(ds.array(scipy.sparse.eye_array(4, format="csr"), block_size=2))
