import math

import numpy as np
import pytest

import dsarray as ds
from dsarray.linalg import _jacobi, _matrices
from tests.dsarray.linalg.matrices import FLOATS, assert_kind, assert_near, assert_orthonormal, eps_of, normal


@pytest.fixture
def in_blocks(monkeypatch):
    """Matrices of more than 16 rows of float64 are large, and cut into blocks of at most 6; see `large`."""
    monkeypatch.setattr(_jacobi, "BLOCK_SHARE", 8)
    monkeypatch.setattr(_matrices, "WHOLE_BYTES", 8 * 6 * 6 * 8)


def large(dtype="float64"):
    """Return the rows of a matrix that is just too large for one task: it is cut into a few rows of blocks."""
    n = math.isqrt(_matrices.WHOLE_BYTES // np.dtype(dtype).itemsize) + 3
    assert len(_jacobi.large_lengths(n, dtype)) in (3, 4, 5)
    return n


def hermitian(eigenvalues, dtype="float64"):
    q = np.linalg.qr(normal((len(eigenvalues), len(eigenvalues)), dtype)).Q
    x = (q * eigenvalues) @ q.conj().T
    return ((x + x.conj().T) / 2).astype(dtype)


def norm_of(x):
    """The norm, out of the range of squares too; 1 for zeros."""
    largest = np.abs(x).max() or 1.0
    return largest * np.linalg.norm(x / largest) or 1.0


def assert_eigen(x, a, triangle="L"):
    """All that is promised of eigenvalues and eigenvectors."""
    expected = np.linalg.eigh(x, triangle)
    w, v = (assert_kind(*both) for both in zip(np.linalg.eigh(a, triangle), expected, strict=True))
    scale = norm_of(x)
    assert_near(w / scale, expected.eigenvalues / scale, 1, eps_of(x))
    assert_near((x / scale) @ v, v * (w / scale), 1, eps_of(x))
    assert_orthonormal(v)
    assert (np.diff(w) >= 0).all()
    assert_near(assert_kind(np.linalg.eigvalsh(a, triangle), w) / scale, w / scale, 1, eps_of(x))


SPECTRA = {
    "apart": np.arange(-12.0, 12),
    "equal": np.ones(24),
    "in two clusters": np.repeat([-1.0, 1.0], 12),
    "close": 1 + 1e-9 * np.arange(24),
    "graded": np.logspace(0, -14, 24),
    "of low rank": np.r_[3.0, -2, np.zeros(22)],
    "zero": np.zeros(24),
    "huge": 1e200 * np.arange(24.0),
    "tiny": 1e-200 * np.arange(24.0),
}


@pytest.mark.parametrize("name", SPECTRA)
def test_large_matrices_of_any_eigenvalues_are_done_to_rounding(in_blocks, name):
    x = hermitian(SPECTRA[name])
    assert not _matrices.is_whole(x.shape, x.dtype)
    assert_eigen(x, ds.array(x, block_size=(10, 7)))


@pytest.mark.parametrize("dtype", [*FLOATS, "int64"])
def test_large_matrices_of_any_type_are_done_to_rounding(in_blocks, dtype):
    n = large(dtype)
    x = normal((n, n), dtype)
    x = x + x.conj().T
    assert_eigen(x, ds.array(x, block_size=(10, n)))


@pytest.mark.parametrize("triangle", "LUlu")
def test_only_one_triangle_is_looked_at(in_blocks, triangle):
    n = large("complex64")
    x = normal((n, n), "complex64")
    x = x + x.conj().T
    half = (np.tril if triangle in "Ll" else np.triu)(x) + np.complex64(0.5j) * np.eye(n, dtype="float32")
    w, v = np.linalg.eigh(ds.array(half, block_size=7), triangle)
    assert_near(w.collect(), np.linalg.eigvalsh(x), np.linalg.norm(x), eps_of(x))
    assert_near(x @ v.collect(), v.collect() * w.collect(), np.linalg.norm(x), eps_of(x))


def test_a_matrix_that_is_diagonal_in_blocks_takes_no_second_round(in_blocks, monkeypatch):
    x = np.zeros((24, 24))
    for start in range(0, 24, 6):
        x[start : start + 6, start : start + 6] = start + hermitian(np.arange(6.0))
    rounds = []
    one = _jacobi._Work._round
    monkeypatch.setattr(_jacobi._Work, "_round", lambda self, groups: rounds.append(groups) or one(self, groups))
    w, v = np.linalg.eigh(ds.array(x, block_size=8))
    assert len(rounds) == 1
    assert_near(x @ v.collect(), v.collect() * w.collect(), np.linalg.norm(x), eps_of(x))


def test_pairs_are_the_heaviest_with_each_row_once():
    weights = np.zeros((5, 5))
    weights[0, 1], weights[1, 2], weights[3, 4] = 5, 9, 1
    assert _jacobi._heaviest(weights, 0.5) == [(1, 2), (3, 4), (0,)]
    assert _jacobi._heaviest(weights, 2) == [(1, 2), (0,), (3,), (4,)]


def test_tasks_need_no_more_than_what_is_whole(monkeypatch):
    for n in (5793, 20_001):
        lengths = _jacobi.large_lengths(n, "float64")
        assert sum(lengths) == n
        assert max(lengths) - min(lengths) <= 1
        assert 20 * max(lengths) ** 2 * 8 < _matrices.WHOLE_BYTES


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_does_not_converge(in_blocks, bad):
    x = hermitian(np.arange(24.0))
    x[7, 7] = bad
    with pytest.raises(np.linalg.LinAlgError, match="eigh: did not converge, since an element is infinite or NaN"):
        np.linalg.eigh(ds.array(x, block_size=10))


def test_too_many_rounds_are_an_error(in_blocks, monkeypatch):
    monkeypatch.setattr(_jacobi, "MOST_SWEEPS", 0)
    with pytest.raises(np.linalg.LinAlgError, match="Eigenvalues did not converge"):
        np.linalg.eigvalsh(ds.array(hermitian(np.arange(24.0)), block_size=10))
