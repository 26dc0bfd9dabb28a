"""Kernels: the inner products of samples that a support vector machine sees in place of their features."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import scipy.sparse

from dsarray import namespace

__all__ = ["KERNELS", "Kernel", "quick_form"]

KERNELS = ("linear", "poly", "rbf", "sigmoid")

_DENSE = 0.05
"""Share of elements that are not zero from which dense products are the quicker ones."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel and its constants, as scikit-learn's SVC defines them."""

    name: str
    """One of `KERNELS`."""
    gamma: float
    degree: int
    coef0: float

    def against(self, others: Any) -> Callable[[Any], Any]:
        """Return what gives the kernel of rows with each of ``others``, as a dense array of shape (n_rows, n_others).

        The array is overwritten by the next call: fresh memory would take more time than the arithmetic.
        """
        others = quick_form(others)
        if self.name == "rbf" and not scipy.sparse.issparse(others):
            return _Gaussian(self.gamma, others)
        return functools.partial(self._evaluate, others)

    def _evaluate(self, others: Any, rows: Any) -> Any:
        xp = namespace(rows)
        values = quick_form(rows) @ others.T
        if scipy.sparse.issparse(values):
            values = values.toarray()
        if self.name == "linear":
            return values
        values *= 2 * self.gamma if self.name == "rbf" else self.gamma
        if self.name == "rbf":
            values -= self.gamma * _squared_norms(rows, xp)[:, None]
            values -= self.gamma * _squared_norms(others, xp)
            return xp.exp(xp.minimum(values, 0, out=values), out=values)
        values += self.coef0
        return values**self.degree if self.name == "poly" else xp.tanh(values, out=values)


class _Gaussian:
    """The kernel "rbf" on dense rows: one product of matrices gives ``-gamma * |x - y|²``."""

    def __init__(self, gamma: float, others: Any) -> None:
        xp = namespace(others)
        self.gamma = gamma
        columns = [others, xp.ones(len(others)), -gamma * _squared_norms(others, xp)]
        self.right = xp.ascontiguousarray(xp.column_stack(columns)).T
        self.buffer = xp.empty((0, len(others)))

    def __call__(self, rows: Any) -> Any:
        xp = namespace(self.right)
        rows = rows.toarray() if scipy.sparse.issparse(rows) else rows
        if len(self.buffer) < len(rows):
            self.buffer = xp.empty((len(rows), self.right.shape[1]))
        values = self.buffer[: len(rows)]
        left = xp.column_stack([2 * self.gamma * rows, -self.gamma * _squared_norms(rows, xp), xp.ones(len(rows))])
        xp.matmul(left, self.right, out=values)
        return xp.exp(xp.minimum(values, 0, out=values), out=values)


def quick_form(rows: Any) -> Any:
    """Return rows in the form that solvers and products want: a CSR matrix of few zeros becomes dense."""
    if not scipy.sparse.issparse(rows):
        return rows
    if rows.nnz < _DENSE * math.prod(rows.shape):
        return rows if rows.has_sorted_indices else rows.sorted_indices()  # libsvm would sort them in place
    return rows.toarray()


def _squared_norms(rows: Any, xp: Any) -> Any:
    if scipy.sparse.issparse(rows):
        return xp.asarray(rows.multiply(rows).sum(axis=1)).ravel()
    return xp.einsum("ij,ij->i", rows, rows)
