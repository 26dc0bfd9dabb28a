"""Labels of neighbors: y of any kind as positions of classes, for one output or several; and votes.

From a ds-array, what reaches the main program is the labels that differ, of each output.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import DataConversionWarning
from sklearn.utils import check_array
from sklearn.utils.multiclass import check_classification_targets

import dsarray as ds
from dsflow import wait_on
from estimators._targets import find_codes, unbox, unique_columns
from estimators._validation import check_length, require_y
from estimators.neighbors._search import Found

__all__ = ["check_labels", "encode_outputs", "vote", "weigh_neighbors"]


def check_labels(estimator: Any, y: Any, X: ds.Array) -> tuple[ds.Array, bool]:
    """Return labels as an Array of shape (n_samples, n_outputs), cut as ``X``, and whether there are several outputs.

    Raises
    ------
    ValueError
        When they are no labels, one row for each sample.
    TypeError
        When they are sparse.
    """
    name = type(estimator).__name__
    require_y(estimator, y)
    if not isinstance(y, ds.Array):
        y = check_array(y, ensure_2d=False, dtype=None, input_name="y", estimator=estimator)
        check_classification_targets(y)
        y = unbox(y)
    if y.ndim not in (1, 2):
        raise ValueError(f"{name}: y has shape {y.shape}; give one row of labels for each sample.")
    check_length(estimator, y, X, "y")
    if y.ndim == 2 and y.shape[1] == 1 and not isinstance(y, ds.Array):
        warnings.warn(
            "A column-vector y was passed when a 1d array was expected. Please change the shape of y to "
            "(n_samples,), for example using ravel().",
            DataConversionWarning,
            stacklevel=3,
        )
    columns = y[:, None] if y.ndim == 1 else y
    if isinstance(y, ds.Array):
        return columns.rechunk((X.chunks[0], -1)), columns.shape[1] > 1
    return ds.array(columns, block_size=(X.chunks[0], -1)), columns.shape[1] > 1


def encode_outputs(estimator: Any, labels: ds.Array) -> tuple[ds.Array, list[Any]]:
    """Return the positions of labels among the classes of each output, and these classes."""
    found = wait_on(ds.map_row_blocks(unique_columns, labels, type(estimator).__name__))
    classes = [np.unique(np.concatenate(each)) for each in zip(*found, strict=True)]
    codes = ds.map_row_blocks(find_codes, labels, classes)
    return ds.from_blocks([[rows] for rows in codes], labels.chunks, np.intp), classes


def weigh_neighbors(distances: Any, weights: Any) -> Any:
    """Return the weight of each neighbor; None if all are 1."""
    if weights in (None, "uniform"):
        return None
    if weights != "distance":
        return np.asarray(weights(distances))
    with np.errstate(divide="ignore"):
        inverse = 1 / distances
    is_same = np.isinf(inverse)
    return np.where(is_same.any(axis=1, keepdims=True), is_same, inverse)  # only those at distance 0 count, if any


def vote(found: Found, weights: Any, counts: list[int]) -> list[Any]:
    """Return the share of votes that each class gets of the neighbors of each query, for each output."""
    n_queries, n_found = found.indices.shape
    by_neighbor = weigh_neighbors(found.distances, weights)
    if by_neighbor is None:
        by_neighbor = np.ones((n_queries, n_found))
    elif n_queries and (by_neighbor == 0).all(axis=1).any():
        raise ValueError(
            "All neighbors of some sample is getting zero weights. Please modify 'weights' to avoid this case if you "
            "are using a user-defined function."
        )
    shares = []
    for output, n_classes in enumerate(counts):
        codes = found.targets[..., output]
        if codes.size and not 0 <= codes.min() <= codes.max() < n_classes:  # bincount would write elsewhere
            raise ValueError(
                f"KNeighborsClassifier: the model has rows of none of its {n_classes} classes; fit it anew."
            )
        cells = np.arange(n_queries)[:, None] * n_classes + codes
        votes = np.bincount(cells.ravel(), by_neighbor.ravel(), n_queries * n_classes).reshape(n_queries, n_classes)
        shares.append(votes / votes.sum(axis=1, keepdims=True))
    return shares
