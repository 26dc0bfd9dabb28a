"""Where the expectation-maximisation of a Gaussian mixture starts: what rows say about components before there are any.

"kmeans" and "k-means++" are those of `estimators.cluster`. "random" draws responsibilities for each row by its index,
so that they do not depend on blocks. What travels is what these do, and statistics of the size of a mixture.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

import dsarray as ds
from dsflow import share, task, wait_on
from estimators._moments import measure_moments
from estimators.cluster import KMeans
from estimators.cluster._kmeans_init import Source, choose_plus_plus
from estimators.cluster._points import made
from estimators.cluster._rows import keep_rows, stream_rows
from estimators.mixture._gaussians import Statistics, add_statistics, sum_given

__all__ = ["start_from"]


def start_from(model: Any, rows: ds.Array, blocks: list[Any], rng: Any) -> tuple[Any, Statistics]:
    """Return provisional means, and the statistics of rows around them.

    Parameters
    ----------
    model : GaussianMixture
        Says what to start from.
    rows : Array of shape (n_samples, n_features)
    blocks : list of Future or Deferred
        Its rows of blocks.
    rng : RandomState
    """
    k, kind = model.n_components, model.covariance_type
    if model.init_params == "random_from_data":
        chosen = rng.choice(rows.shape[0], size=k, replace=False)
        return _one_each(model, rows, rows[chosen].collect().astype(float))
    if model.init_params == "k-means++":
        data = stream_rows(model, rows, measured=True) if rows.streamed else keep_rows(model, rows)
        source = Source(data.points, data.norms, [None] * len(blocks), rows.chunks[0])
        return _one_each(model, rows, choose_plus_plus(source, k, rng) + data.offset)
    if model.init_params == "kmeans":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # components may well be alike
            found = KMeans(k, n_init=1, random_state=rng).fit(rows)
        means, given = found.cluster_centers_.astype(float), found.labels_.row_blocks()
    else:
        first = rows[:1].collect().astype(float)
        means = np.repeat(first, k, axis=0)
        drawn = ds.random_array((rows.shape[0], k), block_size=(rows.chunks[0], -1), random_state=rng.randint(2**31))
        given = drawn.row_blocks()
    parts = [sum_start(block, shares, share(means), kind) for block, shares in zip(blocks, given, strict=True)]
    return means, wait_on(ds.tree_reduce(add_statistics, parts))


def _one_each(model: Any, rows: ds.Array, means: Any) -> tuple[Any, Statistics]:
    """Return statistics of components that have one row each; a tied covariance is, as in scikit-learn, that of all."""
    k, d = means.shape
    shape = {"full": (k, d, d), "tied": (d, d), "diag": (k, d), "spherical": (k,)}[model.covariance_type]
    seconds = np.zeros(shape)
    if model.covariance_type == "tied":
        moments = wait_on(measure_moments(model, rows))
        apart = means - moments.mean
        seconds = moments.scatter - apart.T @ apart
    return means, Statistics(0.0, np.ones(k), np.zeros((k, d)), seconds)


@task
def sum_start(rows: Any, given: Any, means: Any, kind: str) -> Statistics:
    """Return the statistics of rows with given labels, or shares that are made to sum up to 1."""
    return sum_given(made(rows), given, means, kind)
