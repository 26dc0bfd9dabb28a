"""The penalty of linear classifiers: a share of absolute, and a share of squared coefficients; none on intercepts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Penalty"]


@dataclass(frozen=True, slots=True)
class Penalty:
    """A penalty on coefficients in rows, the last column of which is intercepts."""

    l1: float
    """Weight of the sum of absolute coefficients."""
    l2: float
    """Weight of half the sum of their squares."""

    def value(self, coef: Any) -> float:
        """Return the penalty."""
        slopes = coef[:, :-1]
        return float(self.l1 * abs(slopes).sum() + self.l2 / 2 * (slopes * slopes).sum())

    def smooth_gradient(self, coef: Any) -> Any:
        """Return the derivatives of the share of squared coefficients."""
        gradient = self.l2 * coef
        gradient[:, -1] = 0
        return gradient

    def shrink(self, coef: Any, step: float) -> Any:
        """Return the proximal point of the share of absolute coefficients."""
        found = np.sign(coef) * np.maximum(abs(coef) - step * self.l1, 0)
        found[:, -1] = coef[:, -1]
        return found

    def distance(self, coef: Any, gradient: Any) -> float:
        """Return how far the subgradients at a point are from 0, of which ``gradient`` is the smooth part."""
        slopes, rest = coef[:, :-1], gradient[:, :-1]
        at_zero = np.maximum(abs(rest) - self.l1, 0)
        off = np.where(slopes == 0, at_zero, abs(rest + self.l1 * np.sign(slopes)))
        return float(max(off.max(initial=0), abs(gradient[:, -1]).max()))
