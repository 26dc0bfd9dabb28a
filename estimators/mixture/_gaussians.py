"""Gaussians that are mixed: how likely rows are under each, and what rows say about each, as functions of a block.

Rows are worked on a few at a time, so that their deviations from all means stay in the cache of a core. Sums of
products are taken around the means so far, which are near the next ones, so that no large squares cancel.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from sklearn.mixture._gaussian_mixture import _compute_log_det_cholesky

import dsarray as ds

__all__ = [
    "Gaussians",
    "Statistics",
    "add_statistics",
    "label_rows",
    "make_gaussians",
    "measure_rows",
    "share_rows",
    "sum_expected",
    "sum_given",
]

_PART_BYTES = 1 << 19
"""Size of the deviations that are worked on at a time."""


class Gaussians(NamedTuple):
    """A mixture, as tasks need it."""

    kind: str
    """The `covariance_type`."""
    means: Any
    """ndarray of shape (n_components, n_features)."""
    factors: Any
    """Cholesky factors of the precisions, in a shape that depends on the kind."""
    constants: Any
    """Logarithms of the densities at the means, times the weights; of shape (n_components,)."""


class Statistics(NamedTuple):
    """What rows say about the components."""

    log_likelihood: float
    """Sum over the rows."""
    counts: Any
    """Sum of responsibilities, of shape (n_components,)."""
    firsts: Any
    """Sum of deviations from the means times responsibilities, of shape (n_components, n_features)."""
    seconds: Any
    """Sum of their products, in the shape of covariances."""


def make_gaussians(kind: str, weights: Any, means: Any, factors: Any) -> Gaussians:
    """Return a mixture."""
    n_features = means.shape[1]
    with np.errstate(divide="ignore"):  # a weight may be 0
        constants = np.log(weights) - 0.5 * n_features * np.log(2 * np.pi)
    constants = constants + _compute_log_det_cholesky(factors, kind, n_features)
    return Gaussians(kind, means.astype(float), factors.astype(float), constants.astype(float))


def add_statistics(left: Statistics, right: Statistics) -> Statistics:
    """Return the statistics of two groups of rows together."""
    return Statistics(*[a + b for a, b in zip(left, right, strict=True)])


def sum_expected(rows: Any, mixture: Gaussians) -> Statistics:
    """Return the statistics of rows, each with the responsibilities that the mixture gives it."""
    total = _nothing(rows, mixture.kind, mixture.means)
    for part in _parts(rows, len(mixture.means)):
        deviations = _deviations(part, mixture.means)
        logs = _weighted_logs(deviations, mixture)
        likelihoods = _normalise(logs)
        total = add_statistics(total, _sum(deviations, logs, mixture.kind, float(likelihoods.sum())))
    return Statistics(total.log_likelihood, *[ds.to_host(each) for each in total[1:]])


def sum_given(rows: Any, responsibilities: Any, means: Any, kind: str) -> Statistics:
    """Return the statistics, around some means, of rows with given responsibilities or labels."""
    total, start = _nothing(rows, kind, means), 0
    xp = ds.namespace(rows)
    for part in _parts(rows, len(means)):
        given = xp.asarray(responsibilities[start : start + len(part)])
        start += len(part)
        if given.ndim == 1:
            shares = (given[None] == xp.arange(len(means))[:, None]).astype(float)
        else:
            shares = xp.ascontiguousarray((given / given.sum(axis=1, keepdims=True)).T)
        total = add_statistics(total, _sum(_deviations(part, means), shares, kind, 0.0))
    return Statistics(total.log_likelihood, *[ds.to_host(each) for each in total[1:]])


def measure_rows(rows: Any, mixture: Gaussians, dtype: Any = float) -> Any:
    """Return the log-likelihood of each row."""
    found = ds.namespace(rows).empty(rows.shape[0], dtype)
    for place, logs in _logs_of(rows, mixture):
        found[place] = _normalise(logs)
    return found


def share_rows(rows: Any, mixture: Gaussians, dtype: Any = float) -> Any:
    """Return the responsibilities for each row, of shape (n_rows, n_components)."""
    found = ds.namespace(rows).empty((rows.shape[0], len(mixture.means)), dtype)
    for place, logs in _logs_of(rows, mixture):
        _normalise(logs)
        found[place] = logs.T
    return found


def label_rows(rows: Any, mixture: Gaussians) -> Any:
    """Return the component that is most likely for each row."""
    xp = ds.namespace(rows)
    found = xp.empty(rows.shape[0], dtype=xp.int64)
    for place, logs in _logs_of(rows, mixture):
        found[place] = logs.argmax(axis=0)
    return found


def _parts(rows: Any, n_components: int) -> Iterator[Any]:
    n_part = max(16, _PART_BYTES // (8 * n_components * rows.shape[1]))
    return (rows[start : start + n_part] for start in range(0, rows.shape[0], n_part))


def _logs_of(rows: Any, mixture: Gaussians) -> Iterator[tuple[slice, Any]]:
    """Yield places of rows, and the logarithms of their weighted densities."""
    start = 0
    for part in _parts(rows, len(mixture.means)):
        yield slice(start, start + len(part)), _weighted_logs(_deviations(part, mixture.means), mixture)
        start += len(part)


def _deviations(part: Any, means: Any) -> Any:
    """Return rows less each mean, of shape (n_components, n_rows, n_features), in float64."""
    return part.astype(float, copy=False)[None] - ds.namespace(part).asarray(means)[:, None]


def _weighted_logs(deviations: Any, mixture: Gaussians) -> Any:
    """Return the logarithms of weighted densities, of shape (n_components, n_rows)."""
    xp = ds.namespace(deviations)
    factors = xp.asarray(mixture.factors)
    if mixture.kind in ("full", "tied"):
        turned = deviations @ factors
    elif mixture.kind == "diag":
        turned = deviations * factors[:, None]
    else:
        turned = deviations * factors[:, None, None]
    logs = xp.einsum("kni,kni->kn", turned, turned)
    logs *= -0.5
    logs += xp.asarray(mixture.constants)[:, None]
    return logs


def _normalise(logs: Any) -> Any:
    """Make shares of the logarithms of weighted densities, in place; return the logarithm of their sum for each row."""
    xp = ds.namespace(logs)
    largest = logs.max(axis=0)
    logs -= largest
    xp.exp(logs, out=logs)
    total = logs.sum(axis=0)
    logs /= total
    return largest + xp.log(total)


def _nothing(rows: Any, kind: str, means: Any) -> Statistics:
    xp = ds.namespace(rows)
    k, d = means.shape
    shape = {"full": (k, d, d), "tied": (d, d), "diag": (k, d), "spherical": (k,)}[kind]
    return Statistics(0.0, xp.zeros(k), xp.zeros((k, d)), xp.zeros(shape))


def _sum(deviations: Any, shares: Any, kind: str, log_likelihood: float) -> Statistics:
    """Return the statistics of a few rows with responsibilities of shape (n_components, n_rows)."""
    xp = ds.namespace(deviations)
    firsts = (shares[:, None] @ deviations)[:, 0]
    if kind in ("full", "tied"):
        weighted = deviations * shares[:, :, None]
        if kind == "full":
            seconds = weighted.transpose(0, 2, 1) @ deviations
        else:
            n_features = deviations.shape[2]
            seconds = weighted.reshape(-1, n_features).T @ deviations.reshape(-1, n_features)
    elif kind == "diag":
        seconds = (shares[:, None] @ (deviations * deviations))[:, 0]
    else:
        seconds = xp.einsum("kn,kni,kni->k", shares, deviations, deviations) / deviations.shape[2]
    return Statistics(log_likelihood, shares.sum(axis=1), firsts, seconds)
