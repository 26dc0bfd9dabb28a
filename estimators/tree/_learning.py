"""How trees and forests learn: small data in a few tasks by scikit-learn, large data by histograms.

Up to ``local_rows`` rows, all rows are passed to tasks that fit some trees each, as scikit-learn does it; what comes
back is their nodes. More rows stay where they are. They are read twice for the bins (see `_bins`), which leave one byte
for each element with the workers, and once more for each batch of trees, when small nodes are finished (see `_growth`).
A batch is as many trees as have their rows in 512 MiB, or in twice the size of ``X``; rows of a streamed ``X`` are not
kept.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import _fit_context, is_classifier
from sklearn.utils import assert_all_finite, get_tags
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

import dsarray as ds
from dsflow import task, wait_on
from estimators._validation import check_weights, check_X, defer_rows, require_y
from estimators.tree._answers import TreeAnswers, to_writable
from estimators.tree._bins import Bins, cut_rows, find_bins
from estimators.tree._growth import Rules, grow_trees
from estimators.tree._nodes import Nodes, check_nodes, join_nodes, make_trees, take_nodes
from estimators.tree._pruning import prune_tree
from estimators.tree._splits import Binned
from estimators.tree._targets import Targets, class_tables, count_classes, read_classes, read_numbers, weigh_by_class

__all__ = ["LOCAL_ROWS", "Large", "TreeLearning", "balance_classes", "count_features", "fit_small", "grow_batches"]

LOCAL_ROWS: dict[str, list[Any]] = {"local_rows": [Interval(Integral, 1, None, closed="left"), None]}
"""What the parameter of that name may be."""

_LOCAL_VALUES = 2**24
"""How many elements of X one task may have, unless ``local_rows`` says how many rows."""

_LEAST_LOCAL, _MOST_LOCAL = 2**10, 2**16

_BATCH_BYTES = 2**29
"""What the fronts and small nodes of the trees that are grown at a time may take, unless twice X is more."""


class Large:
    """Rows that are too many for one task, as trees are grown on them."""

    def __init__(self, model: Any, X: ds.Array, y: Any, sample_weight: Any) -> None:
        self.lengths = X.chunks[0]
        self.n_rows, self.n_features = X.shape
        self.starts = np.cumsum((0, *self.lengths[:-1])).tolist()
        self.blocks = _defer_checked(model, X)
        bins = find_bins(self.blocks, self.lengths, self.n_features)
        self.codes = [cut_rows(block, bins) for block in self.blocks]
        self.bins: Bins = wait_on(bins)
        self.targets = _read_targets(model, y, X)
        given = check_weights(model, sample_weight, X.astype(np.float64))
        self.weights: list[Any] = [None] * len(self.lengths) if given is None else given.row_blocks()

    def weigh(self, tables: Sequence[Any]) -> None:
        """Multiply the weights of rows by those of their classes."""
        if tables:
            pairs = zip(self.targets.blocks, self.weights, strict=True)
            self.weights = [weigh_by_class(*pair, tables) for pair in pairs]

    def binned(self, weights: list[Any]) -> Binned:
        """Return what trees are grown on, with weights by row."""
        return Binned(self.blocks, self.codes, self.targets.blocks, weights, self.targets.criterion, self.bins)


_compiled: weakref.WeakKeyDictionary[Any, tuple[Nodes, list[Any]]] = weakref.WeakKeyDictionary()
"""The nodes of each model and its compiled trees, which are no part of what is pickled or saved of it."""


class TreeLearning(TreeAnswers):
    """Fitting of trees and forests."""

    _nodes: Nodes
    _seeds: Any
    local_rows: int | None

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Grow trees.

        Parameters
        ----------
        X : array_like, data frame, sparse matrix or Array of shape (n_samples, n_features)
        y : array_like or Array of shape (n_samples,) or (n_samples, n_outputs)
            Classes, or numbers.
        sample_weight : array_like or Array of shape (n_samples,), optional
            How much each row counts.

        Raises
        ------
        ValueError
            When parameters are not supported for as many rows; see ``local_rows``.
        """
        require_y(self, y)
        data = check_X(self, X, reset=True, dtype=(np.float32,))
        if data.shape[0] <= self._local_rows(data.shape[1]):
            self._learn_small(X, data, y, sample_weight)
        else:
            _refuse_for_large(self, self._local_rows(data.shape[1]))
            self._learn_large(X, data, y, sample_weight)
        return self

    def _learn_small(self, X: Any, data: ds.Array, y: Any, sample_weight: Any) -> None:
        raise NotImplementedError

    def _learn_large(self, X: Any, data: ds.Array, y: Any, sample_weight: Any) -> None:
        raise NotImplementedError

    def _local_rows(self, n_features: int) -> int:
        if self.local_rows is not None:
            return self.local_rows
        return max(_LEAST_LOCAL, min(_MOST_LOCAL, _LOCAL_VALUES // n_features))

    def _keep(self, learned: dict[str, Any], nodes: Nodes, seeds: Any) -> None:
        for name, value in learned.items():
            setattr(self, name, value)
        self._nodes, self._seeds = nodes, np.asarray(seeds)

    def _keep_targets(self, targets: Targets) -> dict[str, Any]:
        learned: dict[str, Any] = {"n_outputs_": targets.n_outputs}
        if is_classifier(self):
            counts = [len(each) for each in targets.classes]
            single = targets.n_outputs == 1
            learned["classes_"] = targets.classes[0] if single else targets.classes
            learned["n_classes_"] = counts[0] if single else counts
        return learned

    def _trees(self) -> list[Any]:
        """Return scikit-learn's compiled trees, which are kept as long as the nodes that they are made of."""
        check_is_fitted(self)
        nodes, trees = _compiled.get(self, (None, []))
        if nodes is not self._nodes:
            trees = make_trees(self._nodes, self.n_features_in_, self._count_classes())
            _compiled[self] = (self._nodes, trees)
        return trees

    def _count_classes(self) -> Any:
        """Return the number of classes of each output, 1 in regression."""
        return np.atleast_1d(self.n_classes_) if is_classifier(self) else np.ones(self.n_outputs_, dtype=np.intp)

    def _check_learned(self) -> None:
        """Raise an error for what was read from a file and is no tree."""
        if "_nodes" not in vars(self):
            return
        check_nodes(self._nodes, self.n_features_in_, self.n_outputs_)
        expected = [1] * self.n_outputs_
        if is_classifier(self):
            known = [self.classes_] if self.n_outputs_ == 1 else self.classes_
            expected = [len(each) for each in known]
        counts = self._count_classes()
        if counts.dtype.kind != "i" or counts.tolist() != expected or max(expected) != self._nodes["value"].shape[2]:
            raise ValueError(f"a tree has {counts} classes in place of {expected}, by output")

    def _rules(self, n_rows: int) -> Rules:
        model: Any = self
        least_leaf, least_split = model.min_samples_leaf, model.min_samples_split
        return Rules(
            criterion=model.criterion,
            max_depth=model.max_depth,
            min_samples_split=_count(least_split, n_rows),
            min_samples_leaf=_count(least_leaf, n_rows),
            min_weight_fraction_leaf=model.min_weight_fraction_leaf,
            min_impurity_decrease=model.min_impurity_decrease,
            max_features=count_features(model.max_features, self.n_features_in_),
            local_rows=self._local_rows(self.n_features_in_),
        )


def fit_small(data: ds.Array, y: Any, sample_weight: Any, parts: Sequence[Any]) -> list[Any]:
    """Fit scikit-learn's estimators, each in a task with all rows, and return what `fit_whole` does for each."""
    whole = data.shape[:1]
    rows = data.row_blocks(whole)[0]
    target, weights = (each.row_blocks(each.shape[:1])[0] if isinstance(each, ds.Array) else each
                       for each in (y, sample_weight))  # fmt: skip
    target = target if isinstance(y, ds.Array) else np.asarray(y)
    return wait_on([fit_whole(part, rows, target, weights) for part in parts])


@task
def fit_whole(twin: Any, rows: Any, y: Any, weights: Any) -> tuple[dict[str, Any], Nodes | None, list[int]]:
    """Return what scikit-learn's estimator learns, and the nodes and seeds of its trees that are new."""
    known = len(getattr(twin, "estimators_", ()))
    twin.fit(to_writable(rows), y, sample_weight=weights)
    trees = getattr(twin, "estimators_", [twin])[known:]
    hidden = {"estimators_", "estimator_", "tree_", "n_features_in_"}
    learned = {name: value for name, value in vars(twin).items() if name.endswith("_") and name not in hidden}
    nodes = join_nodes([take_nodes(tree.tree_) for tree in trees]) if trees else None
    return learned, nodes, [tree.random_state for tree in trees]


def grow_batches(model: Any, data: Large, seeds: Any, draw: Any, tables: Any) -> list[Nodes]:
    """Return the nodes of trees, grown a few at a time.

    ``draw`` takes seeds, and returns what `grow_trees` calls draws; ``tables`` takes them and returns ``by_class``.
    """
    rules, binned = model._rules(data.n_rows), data.binned(data.weights)
    n_bytes = data.n_rows * (16 + 4 * data.n_features)
    step = max(1, max(_BATCH_BYTES, 8 * data.n_rows * data.n_features) // n_bytes)
    found: list[Nodes] = []
    for start in range(0, len(seeds), step):
        own = [int(seed) for seed in seeds[start : start + step]]
        grown = grow_trees(binned, rules, own, draw(own), tables(own))
        found += [prune_tree(nodes, model.max_leaf_nodes, model.ccp_alpha, data.n_features) for nodes in grown]
    return found


def _count(least: Any, n_rows: int) -> int:
    return int(least) if isinstance(least, Integral) else math.ceil(least * n_rows)


def count_features(max_features: Any, n_features: int) -> int:
    """Return how many features are tried at each node."""
    if max_features is None:
        return n_features
    if max_features == "sqrt":
        return max(1, int(np.sqrt(n_features)))
    if max_features == "log2":
        return max(1, int(np.log2(n_features)))
    if isinstance(max_features, Integral):
        return min(int(max_features), n_features)
    return max(1, int(max_features * n_features))


def balance_classes(model: Any, data: Large, *, weighted: bool) -> list[Any]:
    """Return the weights of classes by ``class_weight``; balanced ones by the weights of rows or their number."""
    if not is_classifier(model) or model.class_weight is None:
        return []
    is_balanced = isinstance(model.class_weight, str)
    weights = data.weights if weighted else [None] * len(data.weights)
    return class_tables(model, data.targets, count_classes(data.targets, weights) if is_balanced else None)


def _defer_checked(model: Any, X: ds.Array) -> list[ds.Deferred]:
    """Return how to make rows of blocks, which may hold NaN if the model allows it."""
    if X.sparse or not get_tags(model).input_tags.allow_nan:
        return defer_rows(model, X)
    return ds.defer_row_blocks(_check_infinity, X, type(model).__name__)


def _check_infinity(rows: Any, name: str) -> Any:
    assert_all_finite(to_writable(rows), allow_nan=True, estimator_name=name, input_name="X")
    return rows


def _read_targets(model: Any, y: Any, X: ds.Array) -> Targets:
    if is_classifier(model):
        return read_classes(model, y, X, is_entropy=model.criterion != "gini")
    return read_numbers(model, y, X)


def _refuse_for_large(model: Any, local: int) -> None:
    """Raise an error that names what histograms cannot do."""
    possible = {
        "criterion": ("gini", "entropy", "log_loss", "squared_error"),
        "splitter": ("best",),
        "monotonic_cst": (None,),
    }
    for name, values in possible.items():
        value = getattr(model, name, values[0])
        if not (value is None or isinstance(value, str)) or value not in values:
            raise NotImplementedError(
                f"{type(model).__name__}.fit: {name}={value!r} is supported up to local_rows={local} rows, which X "
                f"exceeds; leave it at {values[-1]!r}, or let local_rows be larger, if one task can have all rows."
            )
