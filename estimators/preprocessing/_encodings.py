"""What a `OneHotEncoder` from a file is checked for: it writes 1 where its numbers say, without looking."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np

__all__ = ["check_encoding"]


def check_encoding(encoder: Any) -> None:
    """Check what an encoder has learned.

    Raises
    ------
    ValueError
        When categories are not in order, or stand for features that there are not.
    """
    counts = [len(each) for each in encoder.categories_]
    if len(counts) != encoder.n_features_in_ or not all(map(_are_in_order, encoder.categories_)):
        raise ValueError(f"categories of {encoder.n_features_in_} features are not in order")
    if encoder._infrequent_enabled:
        rare = zip(encoder._infrequent_indices, encoder._default_to_infrequent_mappings, counts, strict=True)
        counts = [_count_grouped(*each) for each in rare]
    dropped = encoder._drop_idx_after_grouping
    if dropped is not None:
        if len(dropped) != len(counts) or not all(map(_is_place, dropped, counts)):
            raise ValueError(f"categories {dropped} are dropped, of {counts} that there are")
        counts = [count - (each is not None) for count, each in zip(counts, dropped, strict=True)]
    if encoder._n_features_outs != counts:
        raise ValueError(f"categories become {encoder._n_features_outs} features in place of {counts}")


def _are_in_order(categories: Any) -> bool:
    """Return whether numbers are sorted, NaN last, so that each is found; others may have any order."""
    if categories.ndim != 1 or not len(categories):
        return False
    return categories.dtype.kind in "OUS" or bool((np.sort(categories)[:-1] == categories[:-1]).all())


def _count_grouped(rare: Any, mapping: Any, count: int) -> int:
    """Return how many categories of a feature are left when those that are rare are one."""
    if rare is None and mapping is None:
        return count
    left: int = count - len(rare) + 1
    is_known = rare.dtype.kind == mapping.dtype.kind == "i" and rare.ndim == mapping.ndim == 1
    if not is_known or mapping.min() < 0 or mapping.max() >= left:
        raise ValueError(f"{count} categories are grouped as {mapping}")
    return left


def _is_place(dropped: Any, count: int) -> bool:
    return dropped is None or (isinstance(dropped, Integral) and 0 <= dropped < count)
