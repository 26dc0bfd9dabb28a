"""Kernels: the inner products of samples that a support vector machine sees in place of their features."""

from __future__ import annotations

import math
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

    def evaluate(self, rows: Any, others: Any) -> Any:
        """Return the kernel of each row with each other row, as a dense array of shape (n_rows, n_others)."""
        xp = namespace(rows)
        values = rows @ others.T
        if scipy.sparse.issparse(values):
            values = values.toarray()
        if self.name == "linear":
            return values
        if self.name == "rbf":  # all in place: memory is what takes the time
            values *= 2 * self.gamma
            values -= self.gamma * _squared_norms(rows, xp)[:, None]
            values -= self.gamma * _squared_norms(others, xp)
            xp.minimum(values, 0, out=values)
            return xp.exp(values, out=values)
        values *= self.gamma
        values += self.coef0
        return values**self.degree if self.name == "poly" else xp.tanh(values, out=values)


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
