import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

import dsarray as ds
from tests.dsarray.strategies import assert_alike, assert_same, modest, pairs

few = settings(modest, max_examples=60)
x = np.arange(24).reshape(6, 4)
offsets = st.integers(-4, 4)


@few
@given(data=st.data(), k=offsets)
def test_diagonals_agree_with_numpy(data, k):
    values, array = data.draw(pairs(["int64", "float32"]))
    first, second = data.draw(st.sampled_from([(0, 1), (1, 0), (-1, 0), (0, 2), (1, 1)]))
    assert_alike(lambda: np.diagonal(array, k, first, second), lambda: np.diagonal(values, k, first, second))
    assert_alike(lambda: np.linalg.diagonal(array, offset=k), lambda: np.linalg.diagonal(values, offset=k))
    assert_alike(lambda: np.diag(array, k), lambda: np.diag(values, k))
    assert_alike(lambda: np.diagflat(array, k), lambda: np.diagflat(values, k))


@few
@given(data=st.data(), k=offsets)
def test_traces_agree_with_numpy(data, k):
    values, array = data.draw(pairs(["bool", "int8", "float64"]))
    values, array = np.nan_to_num(values, posinf=1), np.nan_to_num(array, posinf=1)
    assert_alike(lambda: np.trace(array, k), lambda: np.trace(values, k), rtol=1e-12)
    assert_alike(lambda: np.linalg.trace(array, offset=k), lambda: np.linalg.trace(values, offset=k), rtol=1e-12)


def test_a_trace_has_the_type_and_place_asked_for():
    a = ds.array(x, block_size=(4, 3))
    assert_same(a.trace(dtype="f4"), x.trace(dtype="f4"))
    target = ds.zeros(())
    assert np.trace(a, out=target) is target
    assert float(target) == x.trace()


@few
@given(data=st.data(), k=offsets)
def test_triangles_agree_with_numpy(data, k):
    values, array = data.draw(pairs(["bool", "int64", "complex128"]))
    assert_alike(lambda: np.tril(array, k), lambda: np.tril(values, k))
    assert_alike(lambda: np.triu(array, k), lambda: np.triu(values, k))


@few
@given(data=st.data())
def test_powers_agree_with_numpy(data):
    values, array = data.draw(pairs(["int8", "float32", "bool"]))
    n, increasing = data.draw(st.sampled_from([None, 0, 1, 4])), data.draw(st.booleans())
    assert_alike(lambda: np.vander(array, n, increasing), lambda: np.vander(values, n, increasing))


def test_a_matrix_made_of_a_long_diagonal_has_blocks_of_a_moderate_size():
    matrix = np.diag(ds.arange(20_000), -3)
    assert np.prod(matrix.block_shape) * 8 <= 16 << 20
    assert_same(matrix[10_003:10_005, 10_000], np.array([10_000, 0]))
    powers = np.vander(ds.arange(10**6), 100)
    assert np.prod(powers.block_shape) * 8 <= 16 << 20


def test_a_diagonal_reads_only_the_blocks_it_passes(tasks):
    huge = ds.zeros((10**6, 10**6), block_size=(10**4, 10**4))
    diagonal = np.diagonal(huge, 5)
    assert diagonal.shape == (10**6 - 5,)
    assert_same(diagonal[:3], np.zeros(3))
    assert tasks.n <= 2


@pytest.mark.parametrize("k", [-2, 0, 3])
def test_triangles_of_sparse_arrays_stay_sparse(k):
    s = ds.array(scipy.sparse.csr_array(x), block_size=(4, 3))
    assert np.tril(s, k).sparse
    np.testing.assert_array_equal(np.tril(s, k).to_dense(), np.tril(x, k))
    np.testing.assert_array_equal(np.triu(s, k).to_dense(), np.triu(x, k))
    assert_same(np.diagonal(s, k), np.diagonal(x, k))


def test_positions_on_diagonals_and_triangles_are_ndarrays():
    square = ds.ones((5, 5), block_size=2)
    for function, args in ((np.diag_indices_from, ()), (np.tril_indices_from, (1,)), (np.triu_indices_from, (-1,))):
        for mine, theirs in zip(function(square, *args), function(np.ones((5, 5)), *args), strict=True):
            assert type(mine) is np.ndarray
            np.testing.assert_array_equal(mine, theirs)
        with pytest.raises(ValueError, match="give"):
            function(ds.ones((2, 3, 4)))


def test_what_has_no_diagonal_is_refused():
    with pytest.raises(ValueError, match="give at least 2"):
        np.diagonal(ds.ones(3))
    with pytest.raises(ValueError, match="neither a vector nor a matrix"):
        np.diag(ds.ones((2, 2, 2)))
    with pytest.raises(TypeError, match="0-dimensional"):
        np.tril(ds.ones(()))
