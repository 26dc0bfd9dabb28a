"""Which classes there are among labels, and which of two is the one that is looked for.

Each row of blocks gives the labels that differ in it, which a tree joins; these come to the main program.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import dsarray as ds
from dsflow import wait_on
from estimators.metrics._rows import sum_over_rows

__all__ = ["check_classes", "find_classes", "find_positive"]


def find_classes(where: str, labels: ds.Array) -> Any:
    """Return the labels that differ, in order.

    Raises
    ------
    ValueError
        When labels are no classes: numbers with a fraction, NaN.
    """
    return wait_on(sum_over_rows(_unique_labels, labels, where, combine=np.union1d))


def _unique_labels(labels: Any, where: str) -> Any:
    check_classes(labels, where)
    return np.unique(labels)


def check_classes(labels: Any, where: str) -> None:
    """Raise ValueError for numbers with a fraction, and NaN."""
    if labels.dtype.kind == "f" and (labels != np.rint(labels)).any():
        raise ValueError(f"{where}: continuous is not supported; give classes, without fractions or NaN.")


def find_positive(where: str, classes: Any, *, anyway: bool = False) -> Any:
    """Return the class that is looked for if none is named: 1, if classes are 0 and 1 or -1 and 1, or one of these.

    ``anyway`` makes it the greater one of other numbers; else there is none, which raises ValueError.
    """
    if tuple(classes.tolist()) in {(0, 1), (-1, 1), (0,), (-1,), (1,)}:
        return 1
    if anyway and classes.dtype.kind not in "OUS":
        return classes[-1]
    raise ValueError(
        f"{where}: y_true takes value in {set(classes.tolist())} and pos_label is not specified: either make y_true "
        "take value in {0, 1} or {-1, 1} or pass pos_label explicitly."
    )
