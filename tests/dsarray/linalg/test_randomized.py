import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg

import dsarray as ds
from tests.dsarray.linalg.matrices import FLOATS, assert_near, assert_orthonormal, eps_of, normal


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(60, 30), (30, 60)])
def test_a_matrix_of_low_rank_is_recovered_to_rounding(shape, dtype):
    x = normal((shape[0], 3), dtype, 1) @ normal((3, shape[1]), dtype, 2)
    u, s, vh = (
        part.collect() for part in ds.linalg.randomized_svd(ds.array(x, block_size=(13, 11)), 5, random_state=0)
    )
    assert u.shape == (shape[0], 5)
    assert (u.dtype, s.dtype) == (x.dtype, x.real.dtype)
    assert_near((u * s) @ vh, x, np.linalg.norm(x), eps_of(x))
    assert_orthonormal(u)
    assert_orthonormal(vh.conj().T)


def test_the_error_is_near_the_next_singular_value():
    x = normal((80, 40)) * np.logspace(0, -3, 40)
    u, s, vh = (
        part.collect() for part in ds.linalg.randomized_svd(ds.array(x, block_size=(30, 20)), 6, random_state=0)
    )
    exact = np.linalg.svdvals(x)
    assert np.linalg.norm(x - (u * s) @ vh, 2) < 1.01 * exact[6]
    np.testing.assert_allclose(s, exact[:6], rtol=1e-4)


def test_blocks_do_not_change_the_projection():
    x = normal((40, 30))
    results = [ds.linalg.randomized_svd(ds.array(x, block_size=b), 2, 1, 0, random_state=3).S for b in (7, (9, 4), -1)]
    for each in results:
        np.testing.assert_allclose(each, results[0], rtol=1e-10)


def test_numbers_that_make_no_sense_are_refused():
    a = ds.array(normal((6, 4)), block_size=2)
    with pytest.raises(ValueError, match="ask for 1 to 4"):
        ds.linalg.randomized_svd(a, 5)
    with pytest.raises(ValueError, match="negative"):
        ds.linalg.randomized_svd(a, 2, -1)
    with pytest.raises(np.linalg.LinAlgError, match="stack"):
        ds.linalg.randomized_svd(a[None], 1)


@pytest.mark.parametrize("dtype", ["int8", "float32", "complex128"])
def test_a_sparse_matrix_is_only_multiplied_with(dtype, monkeypatch):
    x = scipy.sparse.random_array((90, 50), density=0.1, rng=0, format="csr")
    x = (100 * x).astype(dtype) @ scipy.sparse.diags_array(np.arange(50, 0, -1) ** 2 % 100, dtype=dtype).tocsr()
    a = ds.array(x, block_size=(40, 30))
    dense = [part.collect() for part in ds.linalg.randomized_svd(a.to_dense(), 4, random_state=0)]
    monkeypatch.setattr(scipy.sparse.csr_array, "toarray", None)
    found = [part.collect() for part in ds.linalg.randomized_svd(a, 4, random_state=0)]
    assert [(each.shape, each.dtype) for each in found] == [(each.shape, each.dtype) for each in dense]
    (u, s, vh), (v, t, wh) = found, dense
    np.testing.assert_allclose(s, t, rtol=1e4 * eps_of(s))
    assert_near((u * s) @ vh, (v * t) @ wh, 1e3 * s[0], eps_of(s))


def test_sparse_matrices_have_the_singular_values_that_scipy_finds():
    x = scipy.sparse.random_array((150, 100), density=0.06, rng=0, format="csr")
    exact = scipy.sparse.linalg.svds(x, 4, return_singular_vectors=False, random_state=0)
    found = ds.linalg.randomized_svd(x, 4, 60, 8, random_state=0)
    np.testing.assert_allclose(found.S, np.sort(exact)[::-1], rtol=1e-6)
    with pytest.raises(TypeError, match="to_dense"):
        ds.linalg.tsqr(x)
