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


@pytest.mark.parametrize("block_size", [-1, 2])
def test_hermitian_matrices_are_their_lower_triangle(block_size):
    x = normal((5, 5))
    a = ds.array(x, block_size=block_size)
    expected = np.linalg.svd(x, hermitian=True)
    for ours, numpys in zip(np.linalg.svd(a, hermitian=True), expected, strict=True):
        assert_close(ours, numpys)
    assert_close(np.linalg.svd(a, compute_uv=False, hermitian=True), expected.S)
    with pytest.raises(np.linalg.LinAlgError, match="square"):
        np.linalg.svd(a[:3], hermitian=True)


def test_sparse_arrays_are_refused():
    import scipy.sparse

    with pytest.raises(TypeError, match="to_dense"):
        np.linalg.svd(ds.array(scipy.sparse.eye_array(4, format="csr"), block_size=2))
