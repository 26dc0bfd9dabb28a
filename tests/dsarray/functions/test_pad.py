import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

import dsarray as ds
from tests.dsarray.strategies import assert_alike, assert_same, modest, pairs

few = settings(modest, max_examples=60)
x = np.arange(24).reshape(6, 4)
a = ds.array(x, block_size=(4, 3))


@pytest.mark.parametrize(
    "mode",
    ["constant", "edge", "linear_ramp", "maximum", "mean", "median", "minimum", "reflect", "symmetric", "wrap"],
)
@few
@given(data=st.data())
def test_padding_agrees_with_numpy(mode, data):
    values, array = data.draw(pairs(["int64", "float32", "uint8"]))
    values, array = np.nan_to_num(values, posinf=9), np.nan_to_num(array, posinf=9)
    width = data.draw(st.sampled_from([1, 0, (2, 1), 3, ((1, 2), (0, 3)), [(9, 7)], -1, {0: (1, 2)}, {-1: 4}, 1.5]))
    options = {}
    if mode == "constant":
        options = data.draw(st.sampled_from([{}, {"constant_values": 3}, {"constant_values": (1, 2)}]))
    if mode == "linear_ramp":
        options = data.draw(st.sampled_from([{}, {"end_values": (5, 7)}]))
    if mode in ("maximum", "minimum", "mean", "median"):
        options = data.draw(st.sampled_from([{}, {"stat_length": 2}, {"stat_length": ((1, 2),)}]))
    assert_alike(
        lambda: np.pad(array, width, mode, **options), lambda: np.pad(values, width, mode, **options), rtol=1e-6
    )


@pytest.mark.parametrize("mode", ["reflect", "symmetric"])
def test_odd_reflections_agree_with_numpy(mode):
    assert_same(
        np.pad(a, ((2, 3), (1, 0)), mode, reflect_type="odd"), np.pad(x, ((2, 3), (1, 0)), mode, reflect_type="odd")
    )
    with pytest.raises(TypeError, match="not supported"):
        np.pad(a, 9, mode, reflect_type="odd")


def test_an_empty_mode_gives_the_shape_and_keeps_the_middle():
    padded = np.pad(a, 2, "empty")
    assert padded.shape == (10, 8)
    assert_same(padded[2:-2, 2:-2], x)


def test_a_block_stays_as_it_is_cut():
    assert np.pad(a, ((1, 0), (0, 2))).chunks == ((1, 4, 2), (3, 1, 2))


def test_what_makes_no_sense_is_refused():
    with pytest.raises(TypeError, match="a function as mode"):
        np.pad(a, 1, lambda *args: None)
    with pytest.raises(ValueError, match="unknown"):
        np.pad(a, 1, "sideways")
    with pytest.raises(ValueError, match="does not take"):
        np.pad(a, 1, "edge", constant_values=3)
    with pytest.raises(ValueError, match="empty"):
        np.pad(a[:0], 1, "edge")
    with pytest.raises(ValueError, match="not one, two"):
        np.pad(a, (1, 2, 3))
    with pytest.raises(TypeError, match="to_dense"):
        np.pad(ds.array(scipy.sparse.csr_array(x)), 1)


@pytest.mark.parametrize("dtype", ["float16", "float32", "complex64", "int8", "uint8", "int64"])
@pytest.mark.parametrize("ends", [2.647, [3, 94], [(128, 4), (3, 6.2577)]])
def test_ramps_are_numpys_bit_for_bit(dtype, ends):
    values = np.arange(-7, 5).reshape(3, 4).astype(dtype)
    ours = np.pad(ds.array(values, block_size=2), ((5, 2), (1, 6)), "linear_ramp", end_values=ends)
    np.testing.assert_array_equal(ours.collect(), np.pad(values, ((5, 2), (1, 6)), "linear_ramp", end_values=ends))


def test_a_constant_that_does_not_fit_the_type_is_refused_as_in_numpy():
    with pytest.raises(OverflowError):
        np.pad(ds.ones((3, 3), "uint8"), 2, constant_values=[(1, 2), (3, -8)])
