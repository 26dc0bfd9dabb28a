"""Operators do what NumPy's do, for arrays, for the scalars that come out of them, and for what cannot be compared."""

import operator
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dsarray as ds
from dsflow import task, wait_on
from tests.dsarray.strategies import assert_alike, assert_same, modest

IN_PLACE = [
    "iadd",
    "isub",
    "imul",
    "itruediv",
    "ifloordiv",
    "imod",
    "ipow",
    "iand",
    "ior",
    "ixor",
    "ilshift",
    "irshift",
]
TEXT = np.array(["a", "b", "1", "c", "2"])
NUMBERS = np.arange(5)
DAYS = np.array(["2020-01-01", "NaT", "2020-02-01", "2019-01-01", "2020-01-01"], "M8[D]")
SPANS = np.array([1, 2, "NaT", 4, 5], "m8[s]")


# --- what changes in place -------------------------------------------------------------------------------------------


@modest
@given(
    name=st.sampled_from(IN_PLACE),
    key=st.sampled_from([-1, slice(1, 3), [0, 0, 1], (..., 2)]),
    value=st.sampled_from([1, 0.5, True, np.float32(1.5), np.int8(3), 1j, np.uint64(3), np.array(0.5)]),
    dtype=st.sampled_from(["int64", "uint8", "bool", "float32"]),
)
def test_augmented_assignment_to_parts_is_numpys(name, key, value, dtype):
    def changed(a):
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            a[key] = getattr(operator, name)(a[key], value)
            return a

    values = (np.arange(5) % 3).astype(dtype)
    assert_alike(lambda: changed(ds.array(values, block_size=2)), lambda: changed(values.copy()), rtol=1e-6)


def test_an_element_of_integers_takes_half_of_one_as_in_numpy():
    a = ds.array([1, 2, 3], block_size=2)
    a[-1] += 0.5
    assert_same(a, np.array([1, 2, 3]))
    element = a[0]
    element += 0.5
    assert_same(element, np.float64(1.5))
    assert_same(a, np.array([1, 2, 3]))


@pytest.mark.parametrize("scalar", [lambda a: a.sum(), lambda a: a[1], lambda a: a @ a, lambda a: a[0] + 1, np.argmax])
def test_a_scalar_does_not_change_under_its_other_names(scalar):
    total = other = scalar(ds.array([1, 2, 3], block_size=2))
    before = other.item()
    total *= 2.5
    assert other.item() == before
    assert total.item() == before * 2.5


@pytest.mark.parametrize(
    "make",
    [
        lambda: ds.array(3),
        lambda: ds.full((), 3),
        lambda: ds.array([3]).reshape(()),
        lambda: ds.array([3])[0, ...],
        lambda: ds.array([3]).squeeze(),
        lambda: ds.array(ds.array([3])[0]),
        lambda: ds.array(3).copy(),
        lambda: ds.array(3.0).astype(int),
    ],
)
def test_an_array_of_no_axes_changes_for_all_who_hold_it(make):
    array = other = make()
    array += 1
    assert other is array
    assert_same(other, np.array(4))
    with pytest.raises(TypeError, match="cannot put float64"):
        array += 0.5


def test_an_array_of_no_axes_is_one_in_a_task_too():
    @task
    def grow(array):
        other = array
        array += 1
        return other.item()

    assert wait_on(grow(ds.array(3))) == 4
    assert wait_on(grow(ds.array([3])[0])) == 3


# --- what cannot be compared -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("compare", [operator.eq, operator.ne, operator.lt])
@pytest.mark.parametrize("values", [TEXT, NUMBERS, DAYS, SPANS], ids=["text", "numbers", "days", "spans"])
@pytest.mark.parametrize(
    "other",
    [1, 1.5, True, None, "a", b"a", np.datetime64("2020-01-01"), np.timedelta64(2, "s"), TEXT, NUMBERS, DAYS, SPANS],
    ids=repr,
)
def test_what_cannot_be_compared_is_different(compare, values, other):
    array = ds.array(values, block_size=2)
    assert_alike(lambda: compare(array, other), lambda: compare(values, other))
    assert_alike(lambda: ds.array(compare(other, array)), lambda: compare(other, values))


def test_arrays_of_text_and_of_numbers_are_different():
    text, numbers = ds.array(TEXT, block_size=2), ds.array(NUMBERS, block_size=3)
    assert_same(text == numbers, np.zeros(5, bool))
    assert_same(text != numbers, np.ones(5, bool))
    assert 1 not in text
    assert "a" in text
    assert "a" not in numbers
    assert not np.array_equal(text, numbers)
    assert not np.array_equiv(text, numbers)
    with pytest.raises(ValueError, match="broadcast"):
        text == numbers[:4]
    with pytest.raises(TypeError, match="did not contain a loop"):
        np.equal(text, numbers)


def test_an_array_has_no_hash():
    with pytest.raises(TypeError, match="unhashable"):
        hash(ds.ones(2))


# --- powers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128", "int64", "bool"])
@pytest.mark.parametrize("exponent", [-1, 0, 0.5, 1, 2, 2.0, 3, np.float32(0.5), True, 1j])
def test_powers_are_numpys_bit_for_bit(dtype, exponent):
    values = np.array([0, 1, 2, 5, 0.1, 1e100, np.inf, 7])[: 4 if np.dtype(dtype).kind in "ib" else 8]
    with np.errstate(all="ignore"):
        values = values.astype(dtype) if dtype != "float64" else -values

        def in_place(a):
            a **= exponent
            return a

        array = ds.array(values, block_size=3)
        assert_alike(lambda: array**exponent, lambda: values**exponent)
        assert_alike(lambda: array[1] ** exponent, lambda: values[1] ** exponent)
        assert_alike(lambda: in_place(array.copy()), lambda: in_place(values.copy()))


def test_powers_of_sparse_arrays_stay_sparse():
    import scipy.sparse

    squared = ds.array(scipy.sparse.csr_matrix([[0, 2.0], [3, 0]])) ** 2
    assert squared.sparse
    np.testing.assert_array_equal(squared.collect().toarray(), [[0, 4], [9, 0]])
