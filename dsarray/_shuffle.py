"""Rows of several arrays in one random order.

The order is made in the main program, 8 bytes for each row; the rows move from block to block.
"""

from __future__ import annotations

from typing import Any

from dsarray import _elementwise
from dsarray._random import make_seed
from dsarray.random import default_rng

__all__ = ["shuffle"]


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
    if not arrays:
        raise ValueError("shuffle: there is no array; give at least one.")
    known = [_elementwise.as_array(each) for each in arrays]
    n_rows = {a.shape[:1] for a in known}
    if len(n_rows) > 1 or not next(iter(n_rows)):
        raise ValueError(f"shuffle: shapes {[a.shape for a in known]} differ in rows; give arrays of as many rows.")
    seed = make_seed(random_state, "shuffle")
    order = default_rng(seed).permutation(known[0].shape[0]).collect()
    shuffled = [a[order] for a in known]
    return shuffled[0] if len(shuffled) == 1 else shuffled
