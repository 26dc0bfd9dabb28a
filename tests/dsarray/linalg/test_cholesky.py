import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dsarray as ds
from tests.dsarray.linalg.matrices import assert_close, assert_near, eps_of, few, matrices, normal
from tests.dsarray.strategies import blocked


@few
@given(matrices(square=True), st.booleans(), st.data())
def test_factors_agree_with_numpy_and_multiply_to_the_matrix(pair, upper, data):
    x, _ = pair
    positive = x @ x.conj().T + 20 * np.eye(len(x), dtype=x.dtype)
    factor = np.linalg.cholesky(data.draw(blocked(positive)), upper=upper)
    assert_close(factor, np.linalg.cholesky(positive, upper=upper))
    found = factor.collect()
    product = found.conj().T @ found if upper else found @ found.conj().T
    assert_near(product, positive, np.linalg.norm(positive), eps_of(positive))


@pytest.mark.parametrize("upper", [False, True])
def test_the_other_triangle_is_not_looked_at(upper):
    x = normal((9, 9))
    positive = x @ x.T + 9 * np.eye(9)
    half = np.triu(positive) if upper else np.tril(positive)
    assert_close(np.linalg.cholesky(ds.array(half, block_size=(4, 3)), upper=upper),
                 np.linalg.cholesky(positive, upper=upper))  # fmt: skip


def test_what_is_not_positive_definite_is_an_error_at_the_wait(session):
    factor = np.linalg.cholesky(ds.array(np.diag([1.0, 2, 3, -1, 5]), block_size=(2, 2)))
    with pytest.raises(np.linalg.LinAlgError, match="positive definite"):
        factor.collect()
    session._failures.clear()


def test_what_is_not_square_is_an_error_at_once():
    with pytest.raises(np.linalg.LinAlgError, match="square"):
        np.linalg.cholesky(ds.array(normal((4, 3)), block_size=2))
