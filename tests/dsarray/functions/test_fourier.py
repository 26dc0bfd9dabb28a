import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dsarray as ds
from tests.dsarray.strategies import assert_alike, assert_same, blocked

few = settings(deadline=None, max_examples=40, derandomize=True)

ALONG_ONE = ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"]
ALONG_MANY = ["fft2", "fftn", "ifft2", "ifftn", "rfft2", "rfftn", "irfft2", "irfftn"]

x = np.random.default_rng(0).normal(size=(12, 9, 4))


def values():
    dtypes = st.sampled_from(["bool", "int16", "float32", "float64", "complex64", "complex128"])
    shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=6)
    parts = st.sampled_from([0.0, 1.0, -2.0, 0.5])
    return dtypes.flatmap(
        lambda dtype: hnp.arrays(
            dtype, shapes, elements=st.builds(complex, parts, parts) if "c" in dtype else st.integers(0, 1) | st.just(1)
        )
    )


@few
@given(name=st.sampled_from(ALONG_ONE), a=values(), data=st.data())
def test_transforms_along_an_axis_agree_with_numpy(name, a, data):
    array = data.draw(blocked(a))
    keywords = {
        "n": data.draw(st.none() | st.integers(-1, 8)),
        "axis": data.draw(st.integers(-a.ndim - 1, a.ndim)),
        "norm": data.draw(st.sampled_from([None, "backward", "ortho", "forward", "other"])),
    }
    function = getattr(np.fft, name)
    assert_alike(lambda: function(array, **keywords), lambda: function(a, **keywords), rtol=1e-5)


@few
@given(name=st.sampled_from(ALONG_MANY), a=values(), data=st.data())
def test_transforms_along_several_axes_agree_with_numpy(name, a, data):
    array = data.draw(blocked(a))
    function = getattr(np.fft, name)
    axes = data.draw(st.lists(st.integers(-a.ndim, a.ndim), min_size=1, max_size=3))
    keywords = {"axes": axes}
    if data.draw(st.booleans()):
        keywords["s"] = data.draw(st.lists(st.integers(-1, 5), min_size=len(axes) - 1, max_size=len(axes)))
    if name.endswith("n") and data.draw(st.booleans()):
        keywords = {}
    if not a.ndim and not keywords and name in ("rfftn", "irfftn"):
        return  # an IndexError of one kind or another
    assert_alike(lambda: function(array, **keywords), lambda: function(a, **keywords), rtol=1e-5)


@few
@given(name=st.sampled_from(["fftshift", "ifftshift"]), a=values(), data=st.data())
def test_shifts_agree_with_numpy(name, a, data):
    array = data.draw(blocked(a))
    function = getattr(np.fft, name)
    if not a.ndim:
        return  # for which NumPy fails by accident
    axes = data.draw(
        st.none() | st.lists(st.integers(0, a.ndim - 1), min_size=1, max_size=3).map(tuple) | st.integers(-3, 3)
    )
    assert_alike(lambda: function(array, axes), lambda: function(a, axes))


def test_blocking_does_not_change_a_transform():
    results = [np.fft.fft2(ds.array(x, block_size=b)).collect() for b in (1, 5, 12, (4, 3, 2), ((0, 12), (2, 7), (4,)))]
    assert all(np.array_equal(results[0], each) for each in results)
    np.testing.assert_array_equal(results[0], np.fft.fft2(x))


def test_a_transform_takes_lanes_and_not_the_whole_array(tasks):
    array = ds.array(x, block_size=(1, 9, 4))
    transformed = np.fft.fft(array, axis=0)
    assert tasks.n == 0
    assert transformed.grid[0] == 1
    assert transformed.n_blocks > 1
    assert_same(transformed, np.fft.fft(x, axis=0), rtol=1e-12)


def test_out_takes_the_result():
    array = ds.array(x, block_size=4)
    out = ds.zeros(x.shape, dtype=complex)
    assert np.fft.fft(array, out=out) is out
    assert_same(out, np.fft.fft(x), rtol=1e-12)
    assert np.fft.ifftn(array, out=out) is out
    assert_same(out, np.fft.ifftn(x), rtol=1e-12)


def test_the_inverse_gives_the_array_back():
    array = ds.array(x, block_size=(5, 2, 3))
    np.testing.assert_allclose(np.fft.irfftn(np.fft.rfftn(array), x.shape, (0, 1, 2)).collect(), x, atol=1e-12)
    np.testing.assert_array_equal(np.fft.ifftshift(np.fft.fftshift(array)).collect(), x)


def test_what_is_not_supported_says_so():
    array = ds.array(x)
    with pytest.raises(TypeError, match="give -1"):
        np.fft.fftn(array, s=(None, 2), axes=(0, 1))
    with pytest.raises(ValueError, match="different lengths"):
        np.fft.fftn(array, s=(2,), axes=(0, 1))
    import scipy.sparse

    sparse = ds.array(scipy.sparse.random_array((10, 10), density=0.2, rng=0))
    with pytest.raises(TypeError, match="to_dense"):
        np.fft.fft(sparse)
