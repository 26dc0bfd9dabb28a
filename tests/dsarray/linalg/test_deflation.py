import numpy as np
import pytest

import dsarray as ds
from dsarray.linalg import _deflation, _jacobi, _matrices
from tests.dsarray.linalg.matrices import FLOATS, assert_kind, assert_near, assert_orthonormal, eps_of, normal
from tests.dsarray.linalg.test_jacobi import SPECTRA, hermitian, in_blocks, large, norm_of

__all__ = ["in_blocks"]


def of_singular_values(values, shape, dtype="float64"):
    n = len(values)
    left, right = (np.linalg.qr(normal((m, n), dtype, seed)).Q for seed, m in enumerate(shape))
    return ((left * values) @ right.conj().T).astype(dtype)


def assert_factors(x, a, **options):
    """All that is promised of singular values and vectors."""
    expected = np.linalg.svd(x, **options)
    u, s, vh = (assert_kind(*both) for both in zip(np.linalg.svd(a, **options), expected, strict=True))
    scale = norm_of(x)
    assert_near(s / scale, expected.S / scale, 1, eps_of(x))
    assert_near((u[:, : len(s)] * (s / scale)) @ vh[: len(s)], x / scale, 1, eps_of(x))
    assert_orthonormal(u)
    assert_orthonormal(vh.conj().T)
    assert (np.diff(s) <= 0).all()
    assert_near(assert_kind(np.linalg.svdvals(a), s) / scale, s / scale, 1, eps_of(x))


@pytest.mark.parametrize("name", SPECTRA)
def test_large_matrices_of_any_singular_values_are_done_to_rounding(in_blocks, name):
    x = of_singular_values(np.sort(np.abs(SPECTRA[name]))[::-1], (24, 24))
    assert_factors(x, ds.array(x, block_size=(10, 7)))


@pytest.mark.parametrize("full_matrices", [True, False])
@pytest.mark.parametrize("shape", [(40, 24), (24, 40), (24, 24)])
def test_large_matrices_of_any_shape_are_done_to_rounding(in_blocks, shape, full_matrices):
    x = normal(shape)
    assert_factors(x, ds.array(x, block_size=(20, 17)), full_matrices=full_matrices)


@pytest.mark.parametrize("dtype", [*FLOATS, "int64"])
def test_large_matrices_of_any_type_are_done_to_rounding(in_blocks, dtype):
    n = large(dtype)
    x = normal((n, n), dtype)
    x[:, 5] = 0
    assert_factors(x, ds.array(x, block_size=7))


def test_what_a_pass_leaves_is_taken_up_again(in_blocks, monkeypatch):
    done = []
    finish = _deflation._Pass.finish
    monkeypatch.setattr(_deflation._Pass, "finish", lambda self, limit: done.append(finish(self, limit)) or done[-1])
    monkeypatch.setattr(_matrices, "WHOLE_BYTES", _jacobi.BLOCK_SHARE * 8 * 2 * 2)
    x = of_singular_values(np.logspace(0, -14, 16), (16, 16))
    u, s, vh = (each.collect() for each in np.linalg.svd(ds.array(x, block_size=5)))
    assert_near((u * s) @ vh, x, 1, eps_of(x))
    assert len(done) > 1
    assert all(0 < n < 16 for n in done)


@pytest.mark.parametrize("compute_uv", [True, False])
def test_large_hermitian_matrices_are_done_by_their_eigenvalues(in_blocks, compute_uv):
    x = hermitian(np.r_[-30.0, 20, 0, 0, 0, np.arange(-9, 10)])
    result = np.linalg.svd(ds.array(np.tril(x), block_size=9), hermitian=True, compute_uv=compute_uv)
    s = (result.S if compute_uv else result).collect()
    assert_near(s, np.linalg.svdvals(x), np.linalg.norm(x), eps_of(x))
    if compute_uv:
        u, vh = result.U.collect(), result.Vh.collect()
        assert_near((u * s) @ vh, x, np.linalg.norm(x), eps_of(x))
        assert_orthonormal(u)
        assert_orthonormal(vh.T)


def test_what_needs_singular_values_is_done_for_large_matrices(in_blocks):
    x = of_singular_values(np.r_[np.arange(15.0, 0, -1), np.zeros(9)], (24, 24))
    a = ds.array(x, block_size=10)
    assert int(np.linalg.matrix_rank(a)) == 15
    assert float(np.linalg.norm(a, 2)) == pytest.approx(15)
    np.testing.assert_allclose(np.linalg.pinv(a, 1e-10).collect(), np.linalg.pinv(x, 1e-10), atol=1e-12)
    solution, _, rank, _ = np.linalg.lstsq(a, np.ones(24))
    assert rank == 15
    np.testing.assert_allclose(solution.collect(), np.linalg.lstsq(x, np.ones(24))[0], atol=1e-12)


def test_what_does_not_converge_is_an_error(in_blocks, monkeypatch):
    x = normal((24, 24))
    x[3, 3] = np.nan
    with pytest.raises(np.linalg.LinAlgError, match="svd: did not converge, since an element is infinite or NaN"):
        np.linalg.svd(ds.array(x, block_size=10))
    monkeypatch.setattr(_deflation, "MOST_PASSES", 0)
    with pytest.raises(np.linalg.LinAlgError, match="SVD did not converge"):
        np.linalg.svd(ds.array(normal((24, 24)), block_size=10))
