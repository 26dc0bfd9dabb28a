import numpy as np
import pytest

import dsarray as ds
from tests.dsarray.linalg.matrices import assert_close, normal

SHAPES = [((3, 4), (2, 5)), ((3,), (2, 2)), ((2, 3, 2), (2, 5)), ((), (3,)), ((4,), (5,)), ((0, 2), (2, 3))]


def cut(x, size):
    return ds.array(x, block_size=tuple(min(size, max(1, n)) for n in x.shape)) if x.ndim else ds.array(x)


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("sizes", [(2, 2), (2, 9), (9, 2), (9, 9)])
@pytest.mark.parametrize("dtype", ["float64", "bool", "int8"])
def test_kronecker_products_agree_with_numpy(shapes, sizes, dtype):
    x, y = normal(shapes[0], dtype), normal(shapes[1], dtype, 1)
    assert_close(np.kron(cut(x, sizes[0]), cut(y, sizes[1])), np.kron(x, y))


def test_blocks_of_a_kronecker_product_stay_small():
    product = np.kron(ds.ones((1000, 1000)), ds.ones((50, 50)))
    assert max(product.block_shape) * min(product.block_shape) * 8 <= 1 << 24


def test_cross_products_agree_with_numpy():
    x, y = normal((4, 3)), normal((3,), seed=1)
    assert_close(np.cross(cut(x, 2), y), np.cross(x, y))
    assert_close(np.cross(cut(x.T, 2), cut(x, 2), 0, 1, 0), np.cross(x.T, x, 0, 1, 0))
    assert_close(np.linalg.cross(cut(x.T, 2), x.T + 1, axis=0), np.linalg.cross(x.T, x.T + 1, axis=0))


def test_vectors_of_other_lengths_are_refused():
    a = ds.ones((4, 2))
    with pytest.raises(TypeError, match="2 elements"):
        np.cross(a, a)
    with pytest.raises(ValueError, match="must be 3"):
        np.cross(a.T, a.T)
    with pytest.raises(ValueError, match="must have 3"):
        np.linalg.cross(a, a)
