"""Losses of linear classifiers: what a row costs, how that changes with its linear functions, and how that bends.

Codes are positions of classes. With two classes there is one linear function, for the second of them, as in
scikit-learn; with more, one for each class. All are sums over the rows of a block, in the type of the rows, in parts
that stay in the cache of a core.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

import dsarray as ds

__all__ = ["BINOMIAL", "MULTINOMIAL", "Loss", "Slope", "add_slopes", "measure_bend", "measure_slope"]

_PART_BYTES = 1 << 21


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss, by functions of a part of a block. ``raw`` has a row for each sample and a column for each function."""

    evaluate: Callable[[Any, Any, Any], tuple[Any, Any]]
    """Takes ``raw``, codes and the namespace; gives the loss of each row and its derivatives by ``raw``."""
    curve: Callable[[Any, Any], Any]
    """Takes ``raw`` and the namespace; gives second derivatives, of shape (n_rows, n_functions, n_functions)."""


class Slope(NamedTuple):
    """Sums over rows."""

    weight: float
    """The weights."""
    value: float
    """The weighted loss."""
    gradient: Any
    """Its derivatives by coefficients, of shape (n_functions, n_features + 1); the last column is the intercepts'."""
    bend: Any = None
    """Its second derivatives by the ravelled coefficients; None where nobody asked."""


def add_slopes(left: Slope, right: Slope) -> Slope:
    """Return the sums over two groups of rows."""
    bend = None if left.bend is None else left.bend + right.bend
    return Slope(left.weight + right.weight, left.value + right.value, left.gradient + right.gradient, bend)


def measure_slope(rows: Any, codes: Any, weights: Any, coef: Any, loss: Loss) -> Slope:
    """Return loss and gradient of a block of rows, of which there may be none.

    Parameters
    ----------
    rows : ndarray or CSR matrix of shape (n_rows, n_features)
    codes : ndarray of shape (n_rows,)
    weights : ndarray of shape (n_rows,), or None
    coef : ndarray of shape (n_functions, n_features + 1)
        The last column is the intercepts.
    loss : Loss
    """
    xp = ds.namespace(rows)
    weight, value, gradient = 0.0, 0.0, np.zeros(coef.shape)
    for part, given, own, raw in _parts(rows, codes, weights, coef):
        losses, residuals = loss.evaluate(raw, given, xp)
        if own is not None:
            losses, residuals = losses * own, residuals * own[:, None]
        weight += float(len(given) if own is None else own.sum(dtype=float))
        value += float(losses.sum(dtype=float))
        gradient[:, :-1] += ds.to_host((part.T @ residuals).T)
        gradient[:, -1] += ds.to_host(residuals.sum(axis=0, dtype=float))
    return Slope(weight, value, gradient)


def measure_bend(rows: Any, codes: Any, weights: Any, coef: Any, loss: Loss) -> Slope:
    """Return loss, gradient and second derivatives of a block of rows; see `measure_slope`."""
    xp = ds.namespace(rows)
    n_functions, n_columns = coef.shape
    bend = np.zeros((n_functions, n_columns, n_functions, n_columns))
    for part, _, own, raw in _parts(rows, codes, weights, coef):
        curves = loss.curve(raw, xp)
        if own is not None:
            curves = curves * own[:, None, None]
        dense = part.toarray() if scipy.sparse.issparse(part) else part
        wide = xp.concatenate([dense, xp.ones((len(dense), 1), dense.dtype)], axis=1)
        for i in range(n_functions):
            for j in range(i + 1):
                block = ds.to_host(wide.T @ (curves[:, i, j, None] * wide))
                bend[i, :, j] += block
                if i != j:
                    bend[j, :, i] += block
    return measure_slope(rows, codes, weights, coef, loss)._replace(bend=bend.reshape(coef.size, coef.size))


def _parts(rows: Any, codes: Any, weights: Any, coef: Any) -> Iterator[tuple[Any, Any, Any, Any]]:
    """Give some rows at a time, with their codes, weights and linear functions."""
    xp = ds.namespace(rows)
    coef = xp.asarray(coef.astype(rows.dtype, copy=False))
    n_rows = rows.shape[0]
    is_sparse = scipy.sparse.issparse(rows)
    width = rows.nnz / max(1, n_rows) if is_sparse else rows.shape[1]
    n_part = max(16, int(_PART_BYTES / (8 * (width + 3 * len(coef)))))
    for start in range(0, n_rows, n_part):
        part = slice(start, start + n_part)
        own = None if weights is None else xp.asarray(weights[part]).astype(rows.dtype, copy=False)
        raw = rows[part] @ coef[:, :-1].T + coef[:, -1]
        yield rows[part], xp.asarray(codes[part]), own, raw


def _evaluate_binomial(raw: Any, codes: Any, xp: Any) -> tuple[Any, Any]:
    margin, codes = raw[:, 0], codes.astype(raw.dtype)
    losses = abs(margin)
    xp.log1p(xp.exp(-losses, out=losses), out=losses)
    losses += xp.maximum(margin, 0)
    losses -= codes * margin
    residuals = xp.tanh(margin / 2)  # the probability, times 2, less 1
    residuals /= 2
    residuals += 0.5 - codes
    return losses, residuals[:, None]


def _curve_binomial(raw: Any, xp: Any) -> Any:
    small = xp.exp(-abs(raw[:, 0]))
    return (small / (1 + small) ** 2)[:, None, None]


def _evaluate_multinomial(raw: Any, codes: Any, xp: Any) -> tuple[Any, Any]:
    each = xp.arange(len(raw))
    raw = raw - raw.max(axis=1, keepdims=True)
    own = raw[each, codes]
    residuals = xp.exp(raw)
    total = residuals.sum(axis=1, keepdims=True)
    residuals /= total
    residuals[each, codes] -= 1
    return xp.log(total[:, 0]) - own, residuals


def _curve_multinomial(raw: Any, xp: Any) -> Any:
    shares = xp.exp(raw - raw.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return shares[:, :, None] * (xp.eye(raw.shape[1], dtype=raw.dtype) - shares[:, None, :])


BINOMIAL = Loss(_evaluate_binomial, _curve_binomial)
MULTINOMIAL = Loss(_evaluate_multinomial, _curve_multinomial)
