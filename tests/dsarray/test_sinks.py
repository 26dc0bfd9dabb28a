import operator

import numpy as np
import pytest

import dsarray as ds
from tests.dsarray.strategies import assert_same

x = np.arange(12.0).reshape(4, 3)
a = ds.array(x, block_size=(3, 2))


def test_numpy_gets_an_ndarray():
    np.testing.assert_array_equal(np.asarray(a), x)
    assert np.asarray(a, dtype=np.float32).dtype == np.float32
    np.testing.assert_allclose(a, x)
    assert a.tolist() == x.tolist()
    with pytest.raises(ValueError, match="copy"):
        np.asarray(a, copy=False)


@pytest.mark.parametrize("convert", [bool, int, float, complex, operator.index])
def test_one_value_becomes_a_scalar(convert):
    one = ds.array(3)
    assert convert(one) == convert(np.array(3))
    assert one.item() == 3
    many = ValueError if convert is bool else TypeError
    for array in (a, ds.zeros(0)):
        with pytest.raises(many, match="is not one value"):
            convert(array)


def test_an_index_must_be_an_integer():
    with pytest.raises(TypeError):
        operator.index(ds.array(2.5))
    assert bool(ds.array([[0.0]])) is False
    assert [10, 20, 30][ds.array(1)] == 20


def test_conversions_that_nobody_asked_for_respect_the_memory_of_the_session(session, monkeypatch):
    monkeypatch.setattr(session, "memory_bytes", 50)
    with pytest.raises(MemoryError, match="96 bytes"):
        np.asarray(a)
    with pytest.raises(MemoryError, match="collect"):
        np.linalg.cond.__wrapped__(a)
    assert_same(a, x)
    assert float(a.sum()) == x.sum()


def test_item_of_many_is_the_error_that_numpy_raises():
    with pytest.raises(ValueError, match="index or reduce it first"):
        ds.zeros(2).item()
