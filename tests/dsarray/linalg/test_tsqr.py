from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given

import dsarray as ds
from tests.dsarray.linalg.matrices import assert_close, assert_near, assert_orthonormal, eps_of, few, matrices, normal


@few
@given(matrices())
def test_factors_multiply_to_the_matrix_and_q_is_orthonormal_for_any_rank(pair):
    x, a = pair
    q, r = ds.linalg.tsqr(a)
    assert q.chunks[0] == a.chunks[0]
    q, r = q.collect(), r.collect()
    assert_near(q @ r, x, np.linalg.norm(x), eps_of(x))
    assert_orthonormal(q)
    assert np.array_equal(r, np.triu(r))


@few
@given(matrices(full_rank=True, most=30))
def test_factors_of_full_rank_are_numpys_to_the_sign(pair):
    x, a = pair
    for ours, numpys in zip(ds.linalg.tsqr(a), np.linalg.qr(x), strict=True):
        assert_close(ours, numpys, 1e5)
    assert_close(ds.linalg.tsqr(a, "r"), np.linalg.qr(x, "r"), 1e5)


def test_a_tree_of_many_short_blocks_is_as_good_as_one_block():
    x = normal((700, 6)) * np.logspace(0, -14, 6)
    q, r = ds.linalg.tsqr(ds.array(x, block_size=2))
    assert_near(q.collect() @ r.collect(), x, np.linalg.norm(x), eps_of(x))
    assert_orthonormal(q.collect())


def test_r_alone_needs_no_q_below_the_top(tasks):
    a = ds.array(normal((64, 3)), block_size=4)
    ds.linalg.tsqr(a, "r").collect()
    assert tasks.n == 16 + 2 + 1 + 1 + 1 + 1  # leaves, two levels of the tree, one turn, signs, R


def test_r_alone_is_made_without_the_other_qs(session):
    names = []
    listener = SimpleNamespace(submitted=lambda node: names.append(node.name), settled=lambda node: None)
    session.listeners.append(listener)
    ds.linalg.tsqr(ds.array(normal((64, 3)), block_size=4), "r").collect()
    session.listeners.remove(listener)
    assert sum("r_of" in each for each in names) == 15 + 1  # the other leaves, and the second node
    assert sum("factor" in each for each in names) == 3


def test_the_sign_of_a_column_that_begins_with_0_is_lapacks():
    for values in ([0, 1, 2, 3, 4], [0, -1, -2, -3, -4], [0, 0, 0, -1, 0]):
        x = np.array(values, float)[:, None]
        assert_close(ds.linalg.tsqr(ds.array(x, block_size=2)).R, np.linalg.qr(x).R)


def test_what_is_no_matrix_is_refused():
    with pytest.raises(np.linalg.LinAlgError, match="stacks"):
        ds.linalg.tsqr(np.ones((2, 2, 2)))
    with pytest.raises(ValueError, match="mode='q'"):
        ds.linalg.tsqr(np.ones((2, 2)), "q")
