import numpy as np
import pytest

import dsarray as ds
from dsarray.linalg import _matrices
from tests.dsarray.linalg.matrices import FLOATS, assert_close, assert_near, assert_orthonormal, eps_of, normal


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("block_size", [(3, 4), 2, -1])
def test_hermitian_matrices_are_their_eigenvalues_and_eigenvectors(dtype, block_size):
    x = normal((7, 7), dtype)
    x = x + x.conj().T
    a = ds.array(x, block_size=block_size)
    w, v = np.linalg.eigh(a)
    assert_close(w, np.linalg.eigh(x).eigenvalues)
    v = v.collect()
    assert_near((v * w.collect()) @ v.conj().T, x, np.linalg.norm(x), eps_of(x))
    assert_orthonormal(v)
    assert_close(np.linalg.eigvalsh(ds.array(np.triu(x), block_size=block_size), "U"), np.linalg.eigvalsh(x))


@pytest.mark.parametrize("x", [np.diag([1.0, 2, 3]), np.array([[0.0, 1], [-1, 0]]), normal((2, 3, 3), "complex64")])
def test_other_matrices_of_one_block_have_eigenvalues_of_numpys_type(x):
    a = ds.array(x, block_size=(1, -1, -1) if x.ndim > 2 else -1)
    for ours, numpys in zip(np.linalg.eig(a), np.linalg.eig(x), strict=True):
        assert_close(ours, numpys)
    assert_close(np.linalg.eigvals(a), np.linalg.eigvals(x))


@pytest.mark.parametrize("x", [normal((6, 6)), np.triu(normal((6, 6))), normal((2, 4, 4), "float32")])
def test_other_matrices_of_several_blocks_go_to_one_task(x):
    a = ds.array(x, block_size=(*(1,) * (x.ndim - 2), 3, 2))
    for ours, numpys in zip(np.linalg.eig(a), np.linalg.eig(x), strict=True):
        assert_close(ours, numpys)
    assert_close(np.linalg.eigvals(a), np.linalg.eigvals(x))


def test_what_one_task_cannot_hold_is_refused_before_it_starts(monkeypatch, tasks):
    monkeypatch.setattr(_matrices, "WHOLE_BYTES", 100)
    for function in (np.linalg.eig, np.linalg.eigvals):
        with pytest.raises(MemoryError, match=r"linalg.eig.* \(4, 4\) and 128 bytes .* use np.linalg.eigh if"):
            function(ds.array(normal((4, 4)), block_size=2))
    for function in (np.linalg.eigh, np.linalg.eigvalsh):
        with pytest.raises(MemoryError, match=r"128 bytes .* one by one"):
            function(ds.array(normal((2, 4, 4)), block_size=(1, 2, 2)))
    assert tasks.n == 0


def test_matrices_that_are_not_square_are_refused():
    for function in (np.linalg.eigh, np.linalg.eigvalsh, np.linalg.eig, np.linalg.eigvals):
        with pytest.raises(np.linalg.LinAlgError, match="square"):
            function(ds.array(normal((3, 4)), block_size=2))
    with pytest.raises(ValueError, match="UPLO"):
        np.linalg.eigh(ds.array(normal((4, 4)), block_size=2), "X")


@pytest.mark.parametrize("triangle", ["L", "U"])
@pytest.mark.parametrize("other", [np.nan, np.inf, 1e300])
def test_the_other_triangle_of_a_large_matrix_may_be_anything(triangle, other, monkeypatch):
    monkeypatch.setattr(_matrices, "WHOLE_BYTES", 8 * 32 * 32)
    x = np.random.default_rng(0).normal(size=(40, 40))
    x = x + x.T
    x[np.triu_indices(40, 1) if triangle == "L" else np.tril_indices(40, -1)] = other
    ours = np.linalg.eigvalsh(ds.array(x, block_size=16), triangle)
    np.testing.assert_allclose(ours, np.linalg.eigvalsh(x, triangle), atol=1e-12)
