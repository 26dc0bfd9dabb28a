import numpy as np
import pytest

import dsarray as ds
from tests.dsarray.strategies import assert_same

x = np.arange(12.0).reshape(4, 3)
a = ds.array(x, block_size=(3, 2))

CALLS = [
    lambda v: np.sum(v), lambda v: np.mean(v, axis=0), lambda v: np.var(v, 1, ddof=1), lambda v: np.amin(v, 1),
    lambda v: np.any(v > 3, axis=1), lambda v: np.argmax(v, axis=1), lambda v: np.amax(v), lambda v: np.clip(v, 1, 3),
    lambda v: np.round(v / 3, 1), lambda v: np.where(v > 3, v, 0), lambda v: np.transpose(v, (1, 0)),
    lambda v: np.transpose(v, axes=(1, 0)), lambda v: np.ravel(v), lambda v: np.reshape(v, (2, 6)),
    lambda v: np.concatenate([v, v]), lambda v: np.zeros_like(v), lambda v: np.ones_like(v, dtype=int),
    lambda v: np.full_like(v, 3), lambda v: np.nan_to_num(v), lambda v: np.isclose(v, 1), lambda v: np.prod(v[:2]),
    lambda v: np.apply_along_axis(np.sort, 0, v), lambda v: np.expand_dims(v, 0), lambda v: np.modf(v / 2)[0],
]  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
def test_functions_of_numpy_give_arrays(call):
    actual = call(a)
    assert isinstance(actual, ds.Array)
    assert_same(actual, call(x), rtol=1e-12)


def test_functions_that_say_what_an_array_is():
    assert (np.shape(a), np.ndim(a), np.size(a), np.size(a, 1)) == ((4, 3), 2, 12, 3)
    assert np.array_equal(a, x)
    assert not np.array_equal(a, x[:2])
    assert np.allclose(a, x + 1e-9)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: np.packbits(a), "np.packbits"),
        (lambda: np.poly(a), "np.poly"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(call, name):
    with pytest.raises(TypeError, match=name.replace(".", r"\.")):
        call()


def test_zeros_of_text_are_empty_as_in_numpy():
    texts = np.array(["ab", "c"])
    assert_same(np.zeros_like(ds.array(texts)), np.zeros_like(texts))
    assert_same(np.ones_like(ds.array(texts)), np.ones_like(texts))


def test_arrays_are_joined_without_their_axes():
    assert_same(np.concatenate([a, 2 * x[0], a], axis=None), np.concatenate([x, 2 * x[0], x], axis=None))
