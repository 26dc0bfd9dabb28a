import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg

import dsarray as ds
from tests.dsarray.linalg.matrices import FLOATS, assert_orthonormal, eps_of, normal


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(90, 40), (40, 90)])
def test_the_largest_singular_values_agree_with_numpy(shape, dtype):
    x = normal(shape, dtype)
    u, s, vh = (part.collect() for part in ds.linalg.lanczos_svd(ds.array(x, block_size=(33, 17)), 4, random_state=0))
    exact = np.linalg.svdvals(x)
    eps = eps_of(x)
    np.testing.assert_allclose(s, exact[:4], rtol=1000 * eps)
    assert np.linalg.norm(x.conj().T @ u - vh.conj().T * s) < 2000 * eps * exact[0]
    assert np.linalg.norm(x @ vh.conj().T - u * s) < 1000 * eps * exact[0]
    assert_orthonormal(u)
    assert_orthonormal(vh.conj().T)


@pytest.mark.parametrize("make", [scipy.sparse.csr_array, scipy.sparse.csr_matrix])
def test_sparse_matrices_have_the_singular_values_that_scipy_finds(make, monkeypatch):
    x = make(scipy.sparse.random_array((90, 60), density=0.06, rng=0))
    exact = scipy.sparse.linalg.svds(x, 4, return_singular_vectors=False, random_state=0)
    monkeypatch.setattr(make, "toarray", None)
    u, s, vh = (part.collect() for part in ds.linalg.lanczos_svd(ds.array(x, block_size=(50, 40)), 4, random_state=0))
    np.testing.assert_allclose(s, np.sort(exact)[::-1], rtol=1e-10)
    np.testing.assert_allclose(x @ vh.T, u * s, atol=1e-10)
    assert_orthonormal(u)
    assert_orthonormal(vh.T)


def test_a_matrix_of_lower_rank_than_asked_ends():
    x = normal((40, 2)) @ normal((2, 30))
    _, s, vh = ds.linalg.lanczos_svd(ds.array(x, block_size=(9, 30)), 5, random_state=0)
    np.testing.assert_allclose(s, np.linalg.svdvals(x)[:5], atol=1e-12)
    assert_orthonormal(vh.T.collect())
    assert float(ds.linalg.lanczos_svd(ds.zeros((8, 6), block_size=3), 2, random_state=0).S.max()) == 0


def test_too_few_rounds_are_told():
    x = normal((120, 100))
    with pytest.warns(RuntimeWarning, match="after 1 rounds"):
        ds.linalg.lanczos_svd(ds.array(x, block_size=40), 2, n_steps=1, max_restarts=1, random_state=0)


def test_numbers_that_make_no_sense_are_refused():
    a = ds.array(normal((6, 4)), block_size=2)
    with pytest.raises(ValueError, match="ask for 1 to 4"):
        ds.linalg.lanczos_svd(a, 0)
    with pytest.raises(ValueError, match="n_steps=0"):
        ds.linalg.lanczos_svd(a, 1, n_steps=0)
