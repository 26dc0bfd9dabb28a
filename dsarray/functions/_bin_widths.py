"""How many bins a histogram should have, by the rules that NumPy has names for; this is computed at once.

What comes to main is the ends of the data, and its standard deviation, quartiles or skewness. Sources of the rules:
H. A. Sturges, "The choice of a class interval" (1926); D. P. Doane, "Aesthetic frequency classifications" (1976); D. W.
Scott, "On optimal and data-based histograms" (1979); D. Freedman and P. Diaconis, "On the histogram as a density
estimator: L2 theory" (1981).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["count_bins"]


def count_bins(rule: str, a: Array, limits: tuple[Any, Any] | None) -> int:
    """Return the number of bins for the elements within limits, or all.

    Raises
    ------
    ValueError
        When there is no such rule.
    TypeError
        When it is not supported.
    """
    if rule == "stone":
        raise TypeError("np.histogram: bins='stone' is not supported for an Array; take 'auto', or give a number.")
    if rule not in _WIDTHS:
        raise ValueError(
            f"np.histogram: {rule!r} is not a valid estimator for `bins`; take one of {', '.join(_WIDTHS)}."
        )
    if limits is not None:
        low, high = np.histogram_bin_edges(np.empty(0), 1, limits)
        a = a[(a >= low) & (a <= high)]
    if not a.size:
        return 1
    least, most = a.min().item(), a.max().item()
    if limits is None:
        low, high = np.histogram_bin_edges(np.array([least, most]), 1)
    width = _WIDTHS[rule](a, float(most) - float(least))
    if width and a.dtype.kind in "iu":
        width = max(width, 1)
    return math.ceil((high - low) / width) if width else 1


def _by_sqrt(a: Array, extent: float) -> float:
    return extent / math.sqrt(a.size)


def _by_sturges(a: Array, extent: float) -> float:
    return extent / (math.log2(a.size) + 1)


def _by_rice(a: Array, extent: float) -> float:
    return extent / (2 * math.cbrt(a.size))


def _by_scott(a: Array, _extent: float) -> float:
    return math.cbrt(24 * math.pi**0.5 / a.size) * float(a.std())


def _by_doane(a: Array, extent: float) -> float:
    n = a.size
    spread = float(a.std()) if n > 2 else 0.0
    if not spread:
        return 0.0
    error = math.sqrt(6 * (n - 2) / ((n + 1) * (n + 3)))
    skewness = float(np.mean(((a - float(a.mean())) / spread) ** 3))
    return extent / (1 + math.log2(n) + math.log2(1 + abs(skewness) / error))


def _by_quartiles(a: Array, _extent: float) -> float:
    values: Any = a
    upper, lower = np.percentile(values, [75, 25]).tolist()
    return float(2 * (upper - lower) / math.cbrt(a.size))


def _by_both(a: Array, extent: float) -> float:
    return min(max(_by_quartiles(a, extent), _by_sqrt(a, extent) / 2), _by_sturges(a, extent))


_WIDTHS: dict[str, Callable[[Array, float], float]] = {
    "auto": _by_both,
    "doane": _by_doane,
    "fd": _by_quartiles,
    "rice": _by_rice,
    "scott": _by_scott,
    "sqrt": _by_sqrt,
    "sturges": _by_sturges,
}
