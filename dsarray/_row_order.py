"""Rows of several arrays in another order: a random one, or that of keys.

A random order is made in the main program, 8 bytes for each row; the order of keys is found by tasks, and stays with
them. The rows move from block to block.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dsarray import _array, _elementwise
from dsarray._random import make_seed
from dsarray.random import default_rng

__all__ = ["shuffle", "sort_by"]


def shuffle(*arrays: Any, random_state: Any = None) -> Any:
    """Return the rows of arrays in random order, the same for all of them.

    Parameters
    ----------
    *arrays : Array or array_like
        Of as many rows.
    random_state : int, numpy.random.RandomState, numpy.random.Generator or None
        The same int gives the same order, however the arrays are cut.

    Returns
    -------
    Array or list of Array
        A list, if there are several.

    Raises
    ------
    ValueError
        When there is no array, or their numbers of rows differ.

    Examples
    --------
    >>> import dsarray as ds
    >>> x = ds.arange(6).reshape(6, 1)
    >>> rows, labels = ds.shuffle(x, x[:, 0] * 10, random_state=0)
    >>> bool((rows[:, 0] * 10 == labels).all())
    True
    """
    known = _of_as_many_rows("shuffle", arrays, ", and give the seed by name, as random_state=")
    seed = make_seed(random_state, "shuffle")
    return _taken(known, default_rng(seed).permutation(known[0].shape[0]).collect())


def sort_by(*arrays: Any, by: Any, descending: bool = False) -> Any:
    """Return the rows of arrays in the order of keys, the same for all of them; rows with equal keys stay in order.

    Parameters
    ----------
    *arrays : Array or array_like
        Of as many rows.
    by : int, tuple or list of int, or Array or ndarray of shape (n_rows,)
        Columns of the first array, of which the first decides first; or a key for each row.
    descending : bool, default=False
        True for the largest key first.

    Returns
    -------
    Array or list of Array
        A list, if there are several.

    Raises
    ------
    ValueError
        When there is no array, or their numbers of rows differ, or there is not a key for each row.
    TypeError
        When ``by`` is nothing of this.

    Examples
    --------
    >>> import dsarray as ds
    >>> x = ds.array([[2, 1], [1, 5], [2, 0]], block_size=2)
    >>> rows, names = ds.sort_by(x, ["a", "b", "c"], by=(0, 1))
    >>> rows.tolist(), names.tolist()
    ([[1, 5], [2, 0], [2, 1]], ['b', 'c', 'a'])
    """
    known = _of_as_many_rows("sort_by", arrays)
    keys: Any = tuple(_keys(known[0], by))
    n_rows = known[0].shape[0]
    if descending:  # equal keys in order, once it is turned round
        return _taken(known, n_rows - 1 - np.lexsort(tuple(key[::-1] for key in keys))[::-1])
    return _taken(known, np.lexsort(keys))


def _of_as_many_rows(where: str, arrays: Sequence[Any], advice: str = "") -> list[Any]:
    if not arrays:
        raise ValueError(f"{where}: there is no array; give at least one.")
    if any(each is None for each in arrays):
        raise TypeError(f"{where}: None is no array; leave it away{advice}.")
    known = [_elementwise.as_array(each) for each in arrays]
    n_rows = {a.shape[:1] for a in known}
    if len(n_rows) > 1 or not next(iter(n_rows)):
        raise ValueError(f"{where}: shapes {[a.shape for a in known]} differ in rows; give arrays of as many rows.")
    return known


def _keys(first: Any, by: Any) -> list[Any]:
    """Return the keys, as `numpy.lexsort` takes them: the one that decides first is the last."""
    if isinstance(by, (_array.Array, np.ndarray)):
        key = _elementwise.as_array(by)
        if key.shape != first.shape[:1]:
            raise ValueError(f"sort_by: by= has shape {key.shape}; give a key for each of {first.shape[0]} rows.")
        return [key]
    columns = by if isinstance(by, (tuple, list)) else (by,)
    if any(isinstance(column, bool) or not hasattr(column, "__index__") for column in columns):
        raise TypeError(f"sort_by: by={by!r} names no columns; give ints, or an array with a key for each row.")
    if first.ndim != 2 or not columns:
        raise ValueError(f"sort_by: by={by!r} names columns of an array of shape {first.shape}; give keys instead.")
    return [_elementwise.as_array(first[:, column]) for column in columns[::-1]]


def _taken(arrays: list[Any], order: Any) -> Any:
    taken = [a[order] for a in arrays]
    return taken[0] if len(taken) == 1 else taken
