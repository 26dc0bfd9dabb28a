"""The extensions of the namespace, linalg and fft, give what array_api_strict's give, however arrays are cut."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsarray import xp
from tests.dsarray.strategies import blocked
from tests.dsarray.xp_cases import FLOATING, LONG, NUMERIC, arrays, axes_of, axis_of, check, few

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def matrices(dtypes=FLOATING, *, square=False, vectors=False):
    sides = st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 5))
    return sides.flatmap(
        lambda side: st.sampled_from([(), (side[0],)]).flatmap(
            lambda stack: arrays(dtypes, st.just((*stack, side[1], side[1] if square else side[2])), special=False)
        )
    )


def well_posed(x):
    return x + np.eye(x.shape[-1], dtype=x.dtype) * 500


@few
@given(data=st.data())
def test_products_agree(data):
    x = data.draw(matrices(NUMERIC))
    y = data.draw(arrays([x.dtype], st.just(x.shape), special=False))
    for name in ("matmul", "linalg.matmul"):
        check(data, name, [x, np.swapaxes(y, -1, -2)], rtol=1e-9)
    check(data, "vecdot", [x, y[..., :1, :]], {"axis": -1}, rtol=1e-9)
    check(data, "linalg.vecdot", [x, y], {"axis": -2}, rtol=1e-9)
    check(data, "tensordot", [x, y], {"axes": data.draw(st.sampled_from([0, x.ndim, ((-1,), (-1,))]))}, rtol=1e-9)
    check(data, "linalg.outer", [x.ravel(), y.ravel()[:3]], rtol=1e-9)
    check(data, "linalg.trace", [x], {"offset": data.draw(st.integers(-2, 2))}, rtol=1e-9)
    check(data, "linalg.diagonal", [x], {"offset": data.draw(st.integers(-2, 2))})
    check(data, "linalg.matrix_transpose", [x])
    thirds = data.draw(arrays([x.dtype], st.just((2, 3)), special=False))
    check(data, "linalg.cross", [thirds, thirds[::-1].copy()], rtol=1e-9)
    check(data, "linalg.cross", [thirds.T.copy(), thirds[::-1].T.copy()], {"axis": -2}, rtol=1e-9)


@few
@given(data=st.data())
def test_solutions_agree(data):
    x = well_posed(data.draw(matrices(square=True)))
    right = data.draw(arrays([x.dtype], st.sampled_from([x.shape, x.shape[-1:], (x.shape[-1], 2)]), special=False))
    check(data, "linalg.solve", [x, right], rtol=1e-8)
    check(data, "linalg.inv", [x], rtol=1e-8)
    check(data, "linalg.det", [x / 500], rtol=1e-8)
    check(data, "linalg.slogdet", [x], rtol=1e-8)
    check(data, "linalg.matrix_power", [x / 500, data.draw(st.integers(-2, 3))], rtol=1e-8)
    definite = x @ np.swapaxes(x.conj(), -1, -2)
    check(data, "linalg.cholesky", [definite], {"upper": data.draw(st.booleans())}, rtol=1e-8)
    check(data, "linalg.eigvalsh", [definite], rtol=1e-6)


@few
@given(data=st.data())
def test_norms_and_singular_values_agree(data):
    x = data.draw(matrices())
    order = data.draw(st.sampled_from(["fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf]))
    check(data, "linalg.matrix_norm", [x], {"ord": order, "keepdims": data.draw(st.booleans())}, rtol=1e-7)
    order = data.draw(st.sampled_from([2, 1, 0, 3.5, -1, np.inf, -np.inf]))
    axis = data.draw(st.none() | axis_of(x) | st.just((0, 1)))
    keepdims = data.draw(st.booleans())
    check(data, "linalg.vector_norm", [x], {"ord": order, "axis": axis, "keepdims": keepdims}, rtol=1e-8)
    check(data, "linalg.svdvals", [x], rtol=1e-7)
    check(data, "linalg.matrix_rank", [x])
    check(data, "linalg.matrix_rank", [x], {"rtol": 0.5})
    check(data, "linalg.pinv", [x], {"rtol": 1e-2}, rtol=1e-6)


@few
@given(data=st.data())
def test_factors_multiply_to_the_matrix(data):
    x = data.draw(matrices())
    ours = data.draw(blocked(x))
    q, r = xp.linalg.qr(ours, mode=data.draw(st.sampled_from(["reduced", "complete"])))
    u, s, vh = xp.linalg.svd(ours, full_matrices=False)
    tolerance = 1e-3 if x.dtype in ("float32", "complex64") else 1e-9
    np.testing.assert_allclose((q @ r).collect(), x, atol=tolerance * 100)
    np.testing.assert_allclose(((u * s[..., None, :]) @ vh).collect(), x, atol=tolerance * 100)
    assert xp.linalg.svd(ours).U.shape == (*x.shape[:-1], x.shape[-2])
    square = well_posed(x @ np.swapaxes(x.conj(), -1, -2))
    cut = data.draw(blocked(square))
    for found in (xp.linalg.eigh(cut), xp.linalg.eig(cut)):
        assert found._fields == ("eigenvalues", "eigenvectors")
        values, vectors = found
        np.testing.assert_allclose(
            (cut @ vectors).collect(), (vectors * values[..., None, :]).collect(), atol=tolerance * 1e4
        )
    assert xp.linalg.eig(cut).eigenvalues.dtype == xp.linalg.eigvals(cut).dtype == np.result_type(x.dtype, "complex64")


@few
@given(data=st.data(), norm=st.sampled_from(["backward", "ortho", "forward"]))
def test_transforms_agree(data, norm):
    x = data.draw(arrays(FLOATING, LONG, special=False))
    n = data.draw(st.none() | st.integers(1, 7))
    keywords = {"n": n, "axis": data.draw(axis_of(x)), "norm": norm}
    for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"):
        check(data, f"fft.{name}", [x], keywords, rtol=1e-9)
    axes = data.draw(st.none() | st.sets(st.integers(0, x.ndim - 1), min_size=1).map(tuple))
    for name in ("fftn", "ifftn", "rfftn", "irfftn"):
        check(data, f"fft.{name}", [x], {"axes": axes, "norm": norm}, rtol=1e-9)
        if axes:
            check(data, f"fft.{name}", [x], {"axes": axes, "s": (4, 3, 2)[: len(axes)]}, rtol=1e-9)
    for name in ("fftshift", "ifftshift"):
        check(data, f"fft.{name}", [x], {"axes": data.draw(axes_of(x))})
