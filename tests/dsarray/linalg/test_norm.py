import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dsarray as ds
from tests.dsarray.linalg.matrices import assert_close, few, matrices, normal
from tests.dsarray.strategies import assert_alike

VECTOR = [None, 2, 1, 0, 3, 0.5, -1, np.inf, -np.inf, "fro", "nuc"]
MATRIX = [None, 2, -2, 1, -1, np.inf, -np.inf, "fro", "nuc", 3, "none"]


@few
@given(matrices(full_rank=True), st.sampled_from(VECTOR), st.sampled_from([0, 1, -1, (0,), (-1,)]), st.booleans())
def test_norms_of_vectors_agree_with_numpy(pair, kind, axis, keepdims):
    x, a = pair
    assert_alike(lambda: np.linalg.norm(a, kind, axis, keepdims), lambda: np.linalg.norm(x, kind, axis, keepdims), 1e-3)


@few
@given(matrices(full_rank=True), st.sampled_from(MATRIX), st.sampled_from([None, (0, 1), (-1, 0)]), st.booleans())
def test_norms_of_matrices_agree_with_numpy(pair, kind, axis, keepdims):
    x, a = pair
    assert_alike(lambda: np.linalg.norm(a, kind, axis, keepdims), lambda: np.linalg.norm(x, kind, axis, keepdims), 1e-3)


def test_norms_over_axes_of_a_stack():
    x = normal((3, 4, 5))
    a = ds.array(x, block_size=(2, 3, 2))
    for kind in (2, "nuc", 1, np.inf, "fro"):
        assert_close(np.linalg.norm(a, kind, (0, 2), True), np.linalg.norm(x, kind, (0, 2), True))
        assert_close(np.linalg.matrix_norm(a, ord=kind), np.linalg.matrix_norm(x, ord=kind))
    for axis in (None, 1, (0, 2), (0, 1, 2)):
        assert_close(np.linalg.vector_norm(a, axis=axis, ord=3, keepdims=True),
                     np.linalg.vector_norm(x, axis=axis, ord=3, keepdims=True))  # fmt: skip
    assert_close(np.linalg.norm(a), np.linalg.norm(x))


def test_axes_that_make_no_sense_are_refused():
    a = ds.array(normal((3, 4, 5)), block_size=2)
    for axis, match in (((0, 1, 2), "number of dimensions"), ((0, 0), "Duplicate")):
        with pytest.raises(ValueError, match=match):
            np.linalg.norm(a, axis=axis)
    with pytest.raises(TypeError, match="axis"):
        np.linalg.norm(a, axis="rows")
