import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dsarray as ds
from tests.dsarray.strategies import assert_alike, assert_same, blocked, pairs

few = settings(deadline=None, max_examples=60, derandomize=True)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5)
x = np.arange(35).reshape(7, 5)


def after(function, target, *args, **keywords):
    """What a function leaves of a copy of its target."""
    target = target.copy()
    assert function(target, *args, **keywords) is None
    return target


def both(function, pair, *args, ours=None, **keywords):
    values, array = pair
    assert_alike(
        lambda: after(function, array, *(args if ours is None else ours), **keywords),
        lambda: after(function, values, *args, **keywords),
    )


short = st.lists(st.integers(50, 59), max_size=7)


@few
@given(
    pair=pairs(["int32", "float64"], SHAPES), data=st.data(), new=short, mode=st.sampled_from(["raise", "wrap", "clip"])
)
def test_put_does_what_numpy_does(pair, data, new, mode):
    positions = data.draw(st.lists(st.integers(-9, 9), max_size=6))
    values = np.array(new, dtype=np.int64)
    both(np.put, pair, positions, new, mode=mode)
    both(
        np.put,
        pair,
        np.array(positions, int),
        values,
        ours=(data.draw(blocked(np.array(positions, int))), data.draw(blocked(values))),
    )


@few
@given(pair=pairs(["int32", "float64"], SHAPES), data=st.data(), new=short)
def test_masks_put_what_numpy_puts(pair, data, new):
    mask = data.draw(hnp.arrays(bool, pair[0].shape))
    values = np.array(new, dtype=np.int32)
    our_mask = data.draw(st.just(mask) | blocked(mask))
    our_values = data.draw(st.just(values) | blocked(values))
    both(np.putmask, pair, mask, values, ours=(our_mask, our_values))
    both(np.place, pair, mask, values, ours=(our_mask, our_values))
    both(np.place, pair, mask.ravel(), new)
    same = np.arange(mask.size).reshape(mask.shape).astype(data.draw(st.sampled_from(["int16", "int64"])))
    both(np.putmask, pair, mask, same)


@few
@given(pair=pairs(["int32", "float64"], SHAPES), data=st.data())
def test_copyto_does_what_numpy_does(pair, data):
    shape = pair[0].shape
    own = tuple(data.draw(st.sampled_from([1, n])) for n in shape)[data.draw(st.integers(0, len(shape))) :]
    new = np.full(own, 7, dtype=data.draw(st.sampled_from(["int8", "int32", "float64"])))
    mask = data.draw(st.just(np.True_) | hnp.arrays(bool, shape) | hnp.arrays(bool, shape[1:]))
    casting = data.draw(st.sampled_from(["same_kind", "unsafe"]))
    ours = data.draw(st.just(new) | blocked(new))
    our_mask = data.draw(st.just(mask) | blocked(mask)) if mask.ndim else mask
    values, array = pair
    assert_alike(
        lambda: after(np.copyto, array, ours, casting, our_mask), lambda: after(np.copyto, values, new, casting, mask)
    )


@pytest.mark.parametrize("shape", [(7, 5), (3, 5), (4, 4), (0, 3), (3, 3, 3), (3,), (2, 2, 3)])
@pytest.mark.parametrize("wrap", [True, False])
@pytest.mark.parametrize("value", [9, [8, 9], [[1, 2], [3, 4]], []])
def test_fill_diagonal_does_what_numpy_does(shape, wrap, value):
    values = np.zeros(shape)
    both(np.fill_diagonal, (values, ds.array(values, block_size=2)), value, wrap=wrap)


def test_wrong_arguments_raise_what_numpy_raises():
    pair = x, ds.array(x, block_size=(3, 2))
    for function, args in [
        (np.put, (np.array([1.5]), 1)),
        (np.put, ([99], 1)),
        (np.put, ([-36], 1)),
        (np.putmask, (True, 1)),
        (np.place, ([True], [1])),
        (np.place, (x > 3, [])),
        (np.place, (x > 3, np.array([1.5]))),
        (np.copyto, (1.5,)),
        (np.copyto, (np.zeros((2, 5), int),)),
        (np.copyto, (np.array([1.5] * 5),)),
        (np.copyto, (1, "same_kind", np.ones((2, 7, 5), bool))),
        (np.put, ([0], [1j])),
    ]:
        both(function, pair, *args)
    with pytest.raises(OverflowError):
        np.copyto(pair[1], 10**30)


def test_an_ndarray_is_changed_by_numpy_with_arrays_brought_here():
    values = np.zeros(4, dtype=int)
    np.put(values, [0], ds.array([5]))
    np.copyto(values, ds.array([1, 2, 3, 4]), where=ds.array([False, True, False, False]))
    assert values.tolist() == [5, 2, 0, 0]


def test_sparse_arrays_are_refused():
    with pytest.raises(TypeError, match="to_dense"):
        np.put(ds.array(scipy.sparse.csr_matrix(np.eye(3))), [0], 1)


def test_all_names_of_an_array_see_what_is_put_and_earlier_slices_do_not():
    a = ds.array(x, block_size=(3, 2))
    same, part, y = a, a[:2], x.copy()
    np.putmask(a, a > 3, [-1, -2])
    np.putmask(y, y > 3, [-1, -2])
    assert_same(same, y)
    assert_same(part, x[:2])
    a.put([1], 77)
    assert int(same[0, 1]) == 77
    a.fill(3)
    assert_same(same, np.full((7, 5), 3))
