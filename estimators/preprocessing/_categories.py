"""The values that differ in each feature, for encoders.

One task for each row of blocks finds those of its rows, and how often they occur if what is rare is to be put together;
a tree of tasks unites them. What travels and comes to the main program is the categories, and their counts. An encoder
of scikit-learn learns from a table of them all that it would from the rows.
"""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np
from sklearn.preprocessing._encoders import _BaseEncoder
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import check_is_fitted

import dsarray as ds
from dsflow import share, wait_on
from estimators._counterparts import call_rows, counterpart_of, learn_from, whole_rows
from estimators._tallies import Tally, add_tallies, tally_columns
from estimators._validation import check_X

__all__ = ["CountedCategories", "check_values", "decode_rows", "encode_rows", "is_blocked", "learn_categories"]

_NUMBERS = tuple(map(np.dtype, "?bhilqBHILQfd"))
_INFREQUENT = "infrequent_sklearn"
"""What scikit-learn gives for any category that is rare."""


class _Found(NamedTuple):
    """What the rows of a fit have."""

    n_rows: int
    features: list[tuple[Any, Any]]
    """The values of each, and how often they occur."""


class CountedCategories(_BaseEncoder):
    """An encoder that is told how often categories occur, while it learns from a table that has each of them."""

    def _fit_infrequent_category_mapping(self, n_samples: int, category_counts: Any, missing_indices: Any) -> None:
        found: _Found | None = vars(self).get("_found")
        if found is not None:
            n_samples = found.n_rows
            category_counts = list(itertools.starmap(_look_up, zip(self.categories_, found.features, strict=True)))
        super()._fit_infrequent_category_mapping(n_samples, category_counts, missing_indices)


def is_blocked(X: Any) -> bool:
    """Return whether categories are found in blocks: those of an Array, or of an ndarray of numbers.

    Lists, data frames, whose columns may have different types, and Python objects are left to scikit-learn.
    """
    return isinstance(X, ds.Array) or (isinstance(X, np.ndarray) and X.dtype in _NUMBERS)


def check_values(encoder: Any, X: Any, *, reset: bool) -> ds.Array:
    """Return ``X`` as an Array of numbers, or of texts; see `check_X`."""
    if not isinstance(X, ds.Array) or X.dtype.kind not in "US":
        return check_X(encoder, X, reset=reset, accept_sparse=False, dtype=_NUMBERS)
    check_X(encoder, ds.zeros(X.shape, block_size=X.block_shape), reset=reset)  # all but its type
    return X


def learn_categories(encoder: Any, fit: Any, X: Any) -> None:
    """Let a method of scikit-learn's encoder learn from the values that differ, and how often they occur."""
    values = check_values(encoder, X, reset=True)
    is_counted = encoder.min_frequency is not None or encoder.max_categories is not None
    parts = ds.map_row_blocks(_find_values, values, type(encoder).__name__, is_counted)
    found: Tally = wait_on(ds.tree_reduce(add_tallies, parts))
    features = found.split(values.shape[1])
    n_most = max(len(each) for each, _ in features)
    table = np.column_stack([np.resize(each, n_most) for each, _ in features])
    if table.dtype.kind == "U" and encoder.categories != "auto":
        table = table.astype(object)  # as scikit-learn takes categories; its errors quote them
    vars(encoder).pop("_infrequent_indices", None)
    encoder._found = _Found(values.shape[0], features)
    try:
        learn_from(encoder, fit, table)
    finally:
        del encoder._found


def encode_rows(encoder: Any, X: ds.Array) -> ds.Array:
    """Return encoded rows, made where they are."""
    check_is_fitted(encoder)
    values = check_values(encoder, X, reset=False)
    probe = np.array([[each[0] for each in encoder.categories_]])
    return call_rows(encoder, "transform", values, probe if probe.dtype.kind in "US" else probe.astype(values.dtype))


def decode_rows(encoder: Any, X: ds.Array, n_columns: int) -> ds.Array:
    """Return the categories that encoded rows, of so many columns, stand for.

    Raises
    ------
    ValueError
        When ``X`` has other columns, and in the tasks, when a row stands for no category, or for one that is rare and
        has no name among numbers.
    TypeError
        When categories have no type in common that an Array may have.
    """
    if X.ndim != 2 or X.shape[1] != n_columns:
        found = X.shape[1] if X.ndim == 2 else X.shape
        raise ValueError(f"Shape of the passed X data is not correct. Expected {n_columns} columns, got {found}.")
    dtype = _type_of_categories(encoder)
    twin = counterpart_of(encoder)
    if getattr(twin, "drop", "first") is None:
        twin.handle_unknown = "ignore"  # rows of zeros give None, which is looked for
    n_features = len(encoder.categories_)
    starts = [0, *itertools.accumulate(X.chunks[0])]
    positions = ds.from_function(
        _count_up, (X.chunks[0], (1,)), np.int64, lambda place: tuple(starts[place[0] : place[0] + 2])
    )
    args = (whole_rows(X), positions, share(twin), dtype, type(encoder).__name__)
    if n_columns == n_features and not X.sparse:
        return ds.map_blocks(_decode, *args, dtype=dtype, block_shape="same")
    rows = [[row] for row in ds.map_row_blocks(_decode, *args)]
    return ds.from_blocks(rows, (X.chunks[0], (n_features,)), dtype)


def _type_of_categories(encoder: Any) -> Any:
    """Return the type of elements that all categories have; Python's texts have that of NumPy's."""
    types = []
    for values in encoder.categories_:
        is_text = values.dtype == object and all(isinstance(each, str) for each in values)
        types.append(np.array(values.tolist()).dtype if is_text else values.dtype)
    are_texts = {dtype.kind for dtype in types} <= {"U"}
    if any(dtype.kind in "OU" for dtype in types) and not are_texts:
        raise TypeError(
            f"{type(encoder).__name__}.inverse_transform: there is no Array of categories of the types "
            f"{list(dict.fromkeys(map(str, types)))}; pass X.collect() to have an ndarray of objects."
        )
    is_grouped = any(each is not None for each in getattr(encoder, "_infrequent_indices", []))
    return np.result_type(*types, *([np.dtype(f"U{len(_INFREQUENT)}")] if is_grouped and are_texts else []))


def _find_values(rows: Any, name: str, is_counted: bool) -> Tally:
    rows = ds.to_host(rows)
    assert_all_finite(rows, allow_nan=True, estimator_name=name, input_name="X")
    return tally_columns(rows.T, rows.dtype, counted=is_counted)


def _look_up(categories: Any, found: tuple[Any, Any]) -> Any:
    """Return how often categories occur among the values that were found."""
    counts = dict(zip(map(_key, found[0].tolist()), found[1], strict=True))
    return np.array([counts.get(_key(each), 0) for each in categories.tolist()])


def _key(value: Any) -> Any:
    return "NaN" if value != value else (value,)  # noqa: PLR0124 - of texts, too


def _count_up(start: int, end: int) -> Any:
    return np.arange(start, end)[:, None]


def _decode(rows: Any, positions: Any, twin: Any, dtype: Any, name: str) -> Any:
    """Return the categories that rows, of which there may be none, stand for."""
    if not rows.shape[0]:
        return np.empty((0, len(twin.categories_)), dtype)
    found = twin.inverse_transform(ds.to_host(rows).copy())  # scikit-learn writes on it
    if found.dtype == object:
        _check_decoded(found, positions[0, 0], dtype, name)
        found = found.astype(dtype)
    return found if dtype.kind in "US" else ds.namespace(rows).asarray(found)


def _check_decoded(found: Any, start: int, dtype: Any, name: str) -> None:
    """Raise ValueError where an element is nothing that an Array of a type may hold."""
    fixes = "leave such rows out, or pass X.collect() to have what scikit-learn gives"
    for value, what in ((None, "no known category"), (_INFREQUENT, "an infrequent category")):
        rows, features = np.nonzero(np.equal(found, value))
        if len(rows) and not (value is _INFREQUENT and dtype.kind == "U"):
            raise ValueError(
                f"{name}.inverse_transform: row {start + rows[0]} stands for {what} of feature {features[0]}, which "
                f"has no value in an Array of {dtype}; {fixes}."
            )
