"""NumPy's linear algebra by that of the array API standard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dsarray.foreign import _ufuncs
from dsarray.foreign._library import Library, UnsupportedError

__all__ = ["FUNCTIONS"]


def _numbers(library: Library, *values: Any) -> list[Any]:
    """Arrays of one type of floating point numbers, as NumPy's linear algebra makes them."""
    known = [each if hasattr(each, "dtype") else np.asarray(each) for each in values]
    kinds = [each.dtype if each.dtype.kind in "fc" else np.dtype(np.float64) for each in known]
    return [library.take(each, np.result_type(*kinds)) for each in known]


def _of_one(name: str) -> Callable[..., Any]:
    def of(library: Library, a: Any) -> Any:
        return getattr(library.module.linalg, name)(*_numbers(library, a))

    return of


def _qr(library: Library, a: Any, mode: str = "reduced") -> Any:
    (native,) = _numbers(library, a)
    if mode == "r":
        return library.module.linalg.qr(native, mode="reduced")[1]
    return library.module.linalg.qr(native, mode=mode)


def _cholesky(library: Library, a: Any, /, *, upper: bool = False) -> Any:
    return library.module.linalg.cholesky(*_numbers(library, a), upper=upper)


def _solve(library: Library, a: Any, b: Any) -> Any:
    return library.module.linalg.solve(*_numbers(library, a, b))


def _svd(library: Library, a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    if hermitian:
        raise UnsupportedError("svd with hermitian=.")
    (native,) = _numbers(library, a)
    linalg = library.module.linalg
    return linalg.svd(native, full_matrices=full_matrices) if compute_uv else linalg.svdvals(native)


def _eigh(library: Library, a: Any, UPLO: str = "L") -> Any:  # noqa: N803 - NumPy's name
    if UPLO.upper() != "L":
        raise UnsupportedError("eigh with the upper triangle.")
    return library.module.linalg.eigh(*_numbers(library, a))


def _eigvalsh(library: Library, a: Any, UPLO: str = "L") -> Any:  # noqa: N803 - NumPy's name
    if UPLO.upper() != "L":
        raise UnsupportedError("eigvalsh with the upper triangle.")
    return library.module.linalg.eigvalsh(*_numbers(library, a))


def _norm(library: Library, x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A002 - NumPy's name
    (native,) = _numbers(library, x)
    if ord is not None and (axis is None or isinstance(axis, tuple) or ord != 2):
        raise UnsupportedError("norms of other orders.")
    return library.module.linalg.vector_norm(native, axis=axis, keepdims=keepdims)


def _dot(library: Library, a: Any, b: Any, out: Any = None) -> Any:
    if out is not None or np.ndim(b) > 2:
        raise UnsupportedError("dot with out=, or of more than two axes.")
    return _ufuncs.call(library, np.matmul if np.ndim(a) and np.ndim(b) else np.multiply, a, b)


def _vdot(library: Library, a: Any, b: Any, /) -> Any:
    flat = [library.lift(library.module.reshape(library.take(each), (-1,))) for each in (a, b)]
    return _ufuncs.call(library, np.vecdot, *flat)


def _outer(library: Library, a: Any, b: Any, out: Any = None) -> Any:
    if out is not None:
        raise UnsupportedError("outer with out=.")
    flat = [library.lift(library.module.reshape(library.take(each), (-1,))) for each in (a, b)]
    return _ufuncs.outer(library, np.multiply, *flat)


def _tensordot(library: Library, a: Any, b: Any, axes: Any = 2) -> Any:
    known = np.result_type(a.dtype, b.dtype)
    if known.kind == "b":
        raise UnsupportedError("tensordot of bools.")
    given = axes if isinstance(axes, int) else tuple(tuple(np.atleast_1d(each).tolist()) for each in axes)
    return library.module.tensordot(library.take(a, known), library.take(b, known), axes=given)


def _einsum(library: Library, subscripts: Any, *operands: Any, **options: Any) -> Any:
    """Matrix products and sums of products along rows, which is what kernels ask for."""
    options.pop("optimize", None)
    if options or not isinstance(subscripts, str) or len(operands) != 2:
        raise UnsupportedError("einsum with options, or of other than two operands.")
    inputs, _, output = subscripts.replace(" ", "").partition("->")
    left, _, right = inputs.partition(",")
    shared = [letter for letter in left if letter in right and letter not in output]
    kept = [letter for letter in left if letter in right and letter in output]
    is_plain = all(len(set(each)) == len(each) for each in (left, right, output)) and "." not in subscripts
    if not is_plain or not output or set(left + right) != set(output) | set(shared):
        raise UnsupportedError(f"einsum of {subscripts}.")
    xp = library.module
    known = np.result_type(operands[0].dtype, operands[1].dtype)
    a, b = (library.take(each, known) for each in operands)
    if kept == list(output) and set(left) == set(right):  # sums of products
        b = xp.permute_dims(b, tuple(right.index(letter) for letter in left))
        axes = tuple(left.index(letter) for letter in shared)
        product = a * b
        summed = xp.sum(product, axis=axes, dtype=product.dtype) if axes else product
        order = [letter for letter in left if letter in output]
        return xp.permute_dims(summed, tuple(order.index(letter) for letter in output))
    if kept:
        raise UnsupportedError(f"einsum of {subscripts}.")
    axes_of = ([left.index(letter) for letter in shared], [right.index(letter) for letter in shared])
    product = xp.tensordot(a, b, axes=(tuple(axes_of[0]), tuple(axes_of[1])))
    order = [letter for letter in left + right if letter in output]
    return xp.permute_dims(product, tuple(order.index(letter) for letter in output))


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.linalg.qr: _qr,
    np.linalg.cholesky: _cholesky,
    np.linalg.solve: _solve,
    np.linalg.svd: _svd,
    np.linalg.svdvals: _of_one("svdvals"),
    np.linalg.eigh: _eigh,
    np.linalg.eigvalsh: _eigvalsh,
    np.linalg.inv: _of_one("inv"),
    np.linalg.det: _of_one("det"),
    np.linalg.slogdet: _of_one("slogdet"),
    np.linalg.norm: _norm,
    np.dot: _dot,
    np.vdot: _vdot,
    np.outer: _outer,
    np.tensordot: _tensordot,
    np.einsum: _einsum,
}
