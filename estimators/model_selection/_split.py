"""Train and test rows of several arrays: scikit-learn chooses the positions, and tasks take the rows of ds-arrays.

The positions are made in the main program, 8 bytes for each row; so are the labels, if ``stratify`` is a ds-array. Each
block of a result is made by one task, which reads the blocks that its rows lie in: all of them, if rows are shuffled.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn.model_selection

import dsarray as ds

__all__ = ["train_test_split"]


def train_test_split(
    *arrays: Any,
    test_size: Any = None,
    train_size: Any = None,
    random_state: Any = None,
    shuffle: bool = True,
    stratify: Any = None,
) -> list[Any]:
    """Return the rows to train on and the rows to test on of each array, in turn.

    Parameters
    ----------
    *arrays : Array, array_like, data frame or sparse matrix
        Of as many rows. ds-arrays give ds-arrays, in blocks of no more rows; anything else gives what scikit-learn
        gives.
    test_size, train_size : float or int, optional
        Share or number of rows.
    random_state : int, RandomState or None
        The same int takes the same rows as scikit-learn, for any blocks.
    shuffle : bool, default=True
        False to take the first rows to train on and the next ones to test on.
    stratify : array_like or Array, optional
        Labels that are to be as frequent in both parts.

    Returns
    -------
    list
        Twice as long as ``arrays``.

    Raises
    ------
    ValueError
        When there is no array, the numbers of rows differ, or sizes make no sense.

    Examples
    --------
    >>> import dsarray as ds
    >>> from estimators.model_selection import train_test_split
    >>> x = ds.arange(20, block_size=5).reshape(10, 2)
    >>> train, test = train_test_split(x, test_size=0.2, random_state=0)
    >>> train.shape, test.collect().tolist()
    ((8, 2), [[4, 5], [16, 17]])
    """
    if not arrays:
        raise ValueError("train_test_split: at least one array required as input; give one.")
    labels = stratify.collect() if isinstance(stratify, ds.Array) else stratify
    given = [np.arange(each.shape[0]) if isinstance(each, ds.Array) else each for each in arrays]
    parts = sklearn.model_selection.train_test_split(
        *given,
        test_size=test_size,
        train_size=train_size,
        random_state=random_state,
        shuffle=shuffle,
        stratify=labels,
    )
    sources = [each for each in arrays for _ in range(2)]
    return [_take(source, part, shuffle) for source, part in zip(sources, parts, strict=True)]


def _take(source: Any, part: Any, shuffle: bool) -> Any:
    if not isinstance(source, ds.Array):
        return part
    return source[part] if shuffle or not len(part) else source[int(part[0]) : int(part[-1]) + 1]
