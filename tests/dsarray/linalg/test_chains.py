import itertools

import numpy as np
import pytest

import dsarray as ds
from tests.dsarray.linalg.matrices import assert_close, normal
from tests.dsarray.strategies import assert_alike

SIZES = [3, 4, 2, 6, 1]
FACTORS = [normal(shape, seed=i) for i, shape in enumerate(itertools.pairwise(SIZES))]
CHAINS = [FACTORS, [normal(3), *FACTORS], [*FACTORS[:2], normal(2)], [normal(3), FACTORS[0], normal(4)], FACTORS[:2]]


@pytest.mark.parametrize("chain", CHAINS)
def test_products_of_many_agree_with_numpy(chain):
    arrays = [ds.array(x, block_size=2) for x in chain]
    assert_close(np.linalg.multi_dot(arrays), np.linalg.multi_dot(chain))


def test_the_order_of_least_work_is_taken(tasks):
    x, y = ds.ones((40, 1), block_size=10), ds.ones((1, 40), block_size=(1, 10))
    np.linalg.multi_dot([x, y, ds.array(np.ones((40, 1)), block_size=10)]).collect()
    assert tasks.n == 1 + 4  # a number, and a column of it


@pytest.mark.parametrize("n", [0, 1, 2, 3, 6, -1, -2, 0.5])
@pytest.mark.parametrize("shape", [(4, 4), (2, 3, 3), (3, 4), (0, 0)])
def test_powers_agree_with_numpy(n, shape):
    x = normal(shape)
    a = ds.array(x, block_size=2)
    assert_alike(lambda: np.linalg.matrix_power(a, n), lambda: np.linalg.matrix_power(x, n), 1e-7)


def test_tensors_are_inverted_as_numpy_does():
    x, b = normal((2, 3, 6)), normal((2, 3))
    a = ds.array(x, block_size=(1, 2, 4))
    assert_close(np.linalg.tensorsolve(a, b), np.linalg.tensorsolve(x, b))
    moved = ds.array(x.transpose(0, 2, 1), block_size=1)
    assert_close(np.linalg.tensorsolve(moved, b, (1,)), np.linalg.tensorsolve(x.transpose(0, 2, 1), b, (1,)))
    x = normal((4, 6, 8, 3))
    assert_close(np.linalg.tensorinv(ds.array(x, block_size=2)), np.linalg.tensorinv(x))


def test_what_is_no_chain_is_refused():
    a = ds.array(normal((3, 3)), block_size=2)
    with pytest.raises(ValueError, match="at least two"):
        np.linalg.multi_dot([a])
    with pytest.raises(np.linalg.LinAlgError, match="two-dimensional"):
        np.linalg.multi_dot([a, a[0], a])
    with pytest.raises(ValueError, match="ind"):
        np.linalg.tensorinv(a, 0)
    with pytest.raises(np.linalg.LinAlgError, match="square"):
        np.linalg.tensorsolve(a[:, :2], np.ones(3))
