import numpy as np
import pytest

import dsarray as ds
from tests.dsarray.strategies import assert_same

x = np.arange(24).reshape(6, 4)
a = ds.array(x, block_size=(4, 3))


@pytest.mark.parametrize("name", ["zeros_like", "ones_like"])
@pytest.mark.parametrize(
    "options", [{}, {"dtype": "f4"}, {"shape": (3, 5)}, {"shape": 7, "dtype": bool}, {"order": "F"}]
)
def test_constants_like_another_array_agree_with_numpy(name, options):
    assert_same(getattr(np, name)(a, **options), getattr(np, name)(x, **options))


def test_what_is_like_another_array_is_cut_like_it():
    assert np.zeros_like(a).chunks == a.chunks
    assert np.empty_like(a, shape=(8, 8)).chunks == ((4, 4), (3, 3, 2))
    assert np.empty_like(a).shape == a.shape


def test_a_fill_value_may_be_an_array():
    assert_same(np.full_like(a, 7.9), np.full_like(x, 7.9))
    assert_same(np.full_like(a, np.arange(4.0)), np.full_like(x, np.arange(4.0)))
    assert_same(np.full_like(a, a[0] + 0.5, dtype=float), np.full_like(x, x[0] + 0.5, dtype=float))
    assert_same(ds.full((2, 3), [1, 2, 3], block_size=1), np.full((2, 3), [1, 2, 3]))
    with pytest.raises(ValueError, match="cannot be repeated"):
        ds.full((2, 2), [1, 2, 3])


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("zeros", ((2, 3),)), ("ones", (4, "i2")), ("full", ((2, 2), 7)), ("eye", (3, 4, 1)), ("identity", (3,)),
        ("arange", (2, 9, 3)), ("tri", (3, 4, -1)), ("array", ([[1, 2], [3, 4]],)), ("asarray", ([1.5],)),
        ("asanyarray", ([1, 2],)), ("fromfunction", (np.add, (3, 4))),
    ],
)  # fmt: skip
def test_functions_with_like_make_arrays(name, args):
    made = getattr(np, name)(*args, like=a)
    assert isinstance(made, ds.Array)
    assert_same(made, getattr(np, name)(*args))


def test_the_number_of_axes_may_have_a_least_value():
    assert_same(np.array([1, 2], ndmin=3, like=a), np.array([1, 2], ndmin=3))
    assert np.empty((2, 3), like=a).shape == (2, 3)


def test_unknown_orders_and_devices_are_refused():
    with pytest.raises(ValueError, match="order='X'"):
        np.zeros_like(a, order="X")
    with pytest.raises(ValueError, match="gpu"):
        np.zeros(3, device="gpu", like=a)
