import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dsarray as ds
from dsarray import _program as programs
from dsarray._namespace import to_host
from dsarray._program import Register, Step, run_program
from tests.dsarray.strategies import modest

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 6))


@pytest.fixture(autouse=True)
def small_strips(monkeypatch):
    """Strips of a row or two of the arrays here."""
    monkeypatch.setattr(programs, "STRIP_BYTES", 100)


@pytest.fixture
def seen(monkeypatch):
    """The lengths of the blocks that `_noted` is given."""
    lengths = []
    monkeypatch.setattr(programs, "_seen", lengths, raising=False)
    return lengths


def _noted(block, addend=0):
    programs._seen.append(len(block))
    return block + addend


def step(function, *args, released=(), by_element=True, **keywords):
    return Step(function, args, keywords, released, by_element)


R = [Register(position) for position in range(9)]


def test_steps_by_element_see_strips_and_give_what_they_give_for_the_block(seen):
    program = (step(_noted, R[0], 1, released=(0,)), step(np.exp, R[1], released=(1,)), step(np.multiply, R[2], 3.0))
    np.testing.assert_array_equal(run_program(program, [X]), np.exp(X + 1) * 3)
    assert seen == [2] * 20


def test_one_step_needs_no_strips(seen):
    run_program((step(_noted, R[0]),), [X])
    assert seen == [40]


def test_small_blocks_stay_whole(seen):
    run_program((step(_noted, R[0], released=(0,)), step(np.exp, R[1], released=(1,))), [X[:3]])
    assert seen == [3]


def test_what_others_read_as_well_is_made_whole(seen):
    program = (
        step(_noted, R[0], released=(0,)),
        step(np.exp, R[1]),
        step(np.sort, R[1], released=(1,), by_element=False),
        step(np.add, R[2], R[3]),
    )
    np.testing.assert_array_equal(run_program(program, [X]), np.exp(X) + np.sort(X))
    assert seen == [40]


def test_operands_of_length_1_and_fewer_axes_serve_all_strips(seen):
    row, column, scalar = X[0], X[:, :1], np.array(2.0)
    program = (
        step(_noted, R[0], R[1], released=(0, 1)),
        step(np.multiply, R[4], R[2], released=(2, 4)),
        step(np.add, R[5], R[3]),
    )
    np.testing.assert_array_equal(run_program(program, [X, row, column, scalar]), (X + row) * column + scalar)
    assert len(seen) == 20


def test_blocks_in_the_other_order_are_cut_along_their_last_axis(seen):
    block = np.asfortranarray(X)
    program = (step(_noted, R[0], released=(0,)), step(np.exp, R[1], released=(1,)))
    found = run_program(program, [block])
    np.testing.assert_array_equal(found, np.exp(block))
    assert found.flags.f_contiguous
    assert seen == [40] * 6


def test_blocks_in_both_orders_stay_whole(seen):
    program = (step(_noted, R[0], R[1], released=(0, 1)), step(np.exp, R[2], released=(2,)))
    np.testing.assert_array_equal(run_program(program, [X, np.asfortranarray(X)]), np.exp(X + X))
    assert seen == [40]


def test_a_first_axis_that_is_short_is_not_cut():
    program = (step(np.negative, R[0], released=(0,)), step(np.exp, R[1], released=(1,)))
    block = X.reshape(2, 120)
    np.testing.assert_array_equal(run_program(program, [block]), np.exp(-block))


def test_what_follows_is_given_the_whole_block(seen):
    program = (
        step(_noted, R[0], released=(0,)),
        step(np.exp, R[1], released=(1,)),
        step(np.sum, R[2], by_element=False),
    )
    assert run_program(program, [X]) == np.exp(X).sum()
    assert seen == [2] * 20


def test_blocks_of_other_libraries_stay_whole():
    xp = pytest.importorskip("array_api_strict")
    program = (step(np.negative, R[0], released=(0,)), step(np.exp, R[1], released=(1,)))
    found = run_program(program, [xp.asarray(X)])
    np.testing.assert_array_equal(to_host(found), np.exp(-X))


@pytest.mark.parametrize(("n_rows", "is_view"), [(10, False), (30, True)])
def test_small_views_free_the_large_base(n_rows, is_view):
    first = operator.itemgetter(slice(n_rows))
    block = X.copy()
    assert np.shares_memory(run_program((step(first, R[0], by_element=False),), [block]), block) == is_view


def test_blocks_of_other_libraries_may_stand_beside_what_is_cut():
    xp = pytest.importorskip("array_api_strict")
    program = (
        step(np.negative, R[1], released=(1,)),
        step(np.exp, R[2], released=(2,)),
        step(np.stack, R[3], by_element=False, released=(3,)),
        step(_second, R[0], R[4], by_element=False),
    )
    np.testing.assert_array_equal(to_host(run_program(program, [xp.asarray(X), X])), np.exp(-X))


def _second(_, block):
    return block


def test_a_sum_is_the_same_before_and_after_what_is_added_up_is_remembered():
    x = RNG.normal(size=(500, 3)).astype(np.float32)
    for reduce in (np.sum, np.mean, np.std):
        for axis in (None, 0, 1):
            doubled = ds.array(x, block_size=-1) * np.float32(2)
            before = reduce(doubled, axis=axis).collect()
            doubled.collect()
            np.testing.assert_array_equal(reduce(doubled, axis=axis).collect(), before)


def test_an_error_is_that_of_numpy():
    with pytest.raises(ValueError, match="operands could not be broadcast together"):
        run_program((step(np.add, R[0], R[1]),), [X, X[:7]])


CHAINS = [
    lambda a: np.sqrt(a * a + 1) - np.exp(-a) * 0.5,
    lambda a: np.where(a > 0, a, -a).astype(np.float32) + 1,
    lambda a: (a * 2).sum(axis=0),
    lambda a: (a * 2).mean(axis=1, keepdims=True),
    lambda a: (a + 1).std(axis=0),
    lambda a: a.var(axis=1, ddof=1),
    lambda a: a.std(),
    lambda a: np.ptp(a * 3, axis=-1),
    lambda a: np.max(a - 1, axis=0, where=a > 0, initial=-9.0),
    lambda a: (a * 2).argmax(axis=0),
    lambda a: np.nanvar(np.where(a > 1, np.nan, a), axis=0),
    lambda a: np.bitwise_or.reduce((a * 10).astype(int), axis=0),
    lambda a: (a - a.mean(axis=0)) / (a.std(axis=0) + 1),
    lambda a: a[:, ::-1] * 2 + a[::-1],
    lambda a: np.isfinite(a).all(axis=(0, 1)),
]


@given(
    chain=st.sampled_from(CHAINS),
    shape=st.sampled_from([(40, 6), (6, 40), (2, 120), (120, 2), (7, 7)]),
    block=st.tuples(st.integers(3, 60), st.integers(3, 60)),
)
@modest
def test_strips_change_nothing_but_rounding(chain, shape, block):
    x = RNG.normal(size=shape)
    found = chain(ds.array(x, block_size=block)).collect()
    with np.errstate(all="ignore"):
        expected = chain(x)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-6 if found.dtype == np.float32 else 1e-10, atol=1e-12)
