import math
import sys
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dsarray as ds
from tests.dsarray.linalg.matrices import assert_close, normal
from tests.dsarray.strategies import assert_same, blocked, modest

MIB = 1 << 20
SMALL = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5)

SHAPES = [((3, 4), (2, 5)), ((3,), (2, 2)), ((2, 3, 2), (2, 5)), ((), (3,)), ((4,), (5,)), ((0, 2), (2, 3))]


def cut(x, size):
    return ds.array(x, block_size=tuple(min(size, max(1, n)) for n in x.shape)) if x.ndim else ds.array(x)


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("sizes", [(2, 2), (2, 9), (9, 2), (9, 9)])
@pytest.mark.parametrize("dtype", ["float64", "bool", "int8"])
def test_kronecker_products_agree_with_numpy(shapes, sizes, dtype):
    x, y = normal(shapes[0], dtype), normal(shapes[1], dtype, 1)
    assert_close(np.kron(cut(x, sizes[0]), cut(y, sizes[1])), np.kron(x, y))


@modest
@given(data=st.data(), shapes=st.tuples(SMALL, SMALL), n_bytes=st.sampled_from([8, 64, 256, 1024]))
def test_kronecker_products_of_small_blocks_agree_with_numpy(data, shapes, n_bytes):
    x, y = (np.arange(math.prod(shape)).reshape(shape) + 1 for shape in shapes)
    a, b = data.draw(blocked(x)), data.draw(blocked(y))
    module = sys.modules["dsarray.linalg.kron"]
    with mock.patch.multiple(module, block_bytes=mock.Mock(return_value=n_bytes), SMALL_BYTES=48):
        assert_same(np.kron(a, b), np.kron(x, y))


def test_a_second_array_in_several_blocks_takes_few_tasks(tasks):
    a, b = ds.random_array((40, 40), (10, 10), random_state=0), ds.random_array((30, 30), (10, 10), random_state=1)
    product = np.kron(a, b)
    assert product.n_blocks <= 16
    product.blocks[0, 0].result()
    assert tasks.n <= 16 + 9 + 3
    assert_same(product, np.kron(a.collect(), b.collect()))
    assert tasks.n <= 16 + 9 + 2 + 16


@pytest.mark.parametrize(
    "shapes", [((2000, 2000), (50, 50)), ((2, 3), (3000, 2000)), ((40, 30), (1500, 1000)), ((9, 2), (4, 2000, 2000))]
)
@pytest.mark.parametrize("block_size", [-1, 100])
def test_blocks_of_a_kronecker_product_are_as_large_as_others(shapes, block_size):
    product = np.kron(*[ds.zeros(shape, block_size=(block_size,) * len(shape)) for shape in shapes])
    assert math.prod(product.block_shape) * 8 <= 16 * MIB
    assert product.n_blocks <= max(8, 4 * product.nbytes / MIB)


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
