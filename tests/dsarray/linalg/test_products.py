import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dsarray as ds
from tests.dsarray.linalg.matrices import few, normal
from tests.dsarray.strategies import assert_alike, blocked

SHAPES = [(4, 5, 3), (5, 4, 3), (3,), (5, 3), (), (2, 3, 5), (0, 3), (4, 1, 3)]
CALLS = [
    lambda x, y: np.inner(x, y), lambda x, y: np.vdot(x, y), lambda x, y: np.linalg.vecdot(x, y),
    lambda x, y: np.linalg.vecdot(x, y, axis=0), lambda x, y: np.outer(x, y), lambda x, y: np.linalg.outer(x, y),
    lambda x, y: np.dot(x, y), lambda x, y: np.tensordot(x, y), lambda x, y: np.tensordot(x, y, 0),
    lambda x, y: np.tensordot(x, y, 1), lambda x, y: np.tensordot(x, y, (0, 0)),
    lambda x, y: np.tensordot(x, y, ([1, 0], [0, 1])), lambda x, y: np.linalg.tensordot(x, y, axes=([-1], [-1])),
    lambda x, y: np.linalg.matmul(x, y), lambda x, y: np.linalg.matrix_transpose(x),
]  # fmt: skip


@few
@given(st.sampled_from(CALLS), st.sampled_from(SHAPES), st.sampled_from(SHAPES),
       st.sampled_from(["float64", "complex128", "int8", "bool"]), st.data())  # fmt: skip
def test_products_agree_with_numpy(call, left, right, dtype, data):
    x, y = normal(left, dtype), normal(right, dtype, 1)
    a, b = data.draw(blocked(x)), data.draw(blocked(y))
    assert_alike(lambda: call(a, b), lambda: call(x, y), 1e-10)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize(
    ("function", "shapes"),
    [(np.vecdot, [(4, 3), (3,)]), (np.matvec, [(2, 4, 3), (3,)]), (np.vecmat, [(4,), (2, 4, 3)])],
)
def test_products_of_vectors_are_ours(function, shapes, dtype):
    from dsarray._registry import FUNCTIONS

    x, y = (normal(shape, dtype) for shape in shapes)
    a, b = ds.array(x, block_size=2), ds.array(y, block_size=2)
    assert_alike(lambda: FUNCTIONS[function](a, b), lambda: function(x, y), 1e-12)
    with pytest.raises(ValueError, match=r"axes|axis|fit"):
        FUNCTIONS[function](a, ds.ones(()))


def test_results_can_be_put_into_an_array():
    x, y = normal((4, 3)), normal((3, 2))
    a, out = ds.array(x, block_size=2), ds.zeros((4, 2))
    assert np.dot(a, y, out=out) is out
    np.testing.assert_allclose(out, x @ y)
    out = ds.zeros((3, 2))
    assert np.outer(a[0], y[0], out=out) is out
    np.testing.assert_allclose(out, np.outer(x[0], y[0]))


def test_sparse_arrays_are_refused():
    import scipy.sparse

    with pytest.raises(TypeError, match="to_dense"):
        np.vdot(ds.array(scipy.sparse.eye_array(4, format="csr")), np.eye(4))
