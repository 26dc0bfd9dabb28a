"""What both kinds of forests do to learn and to answer."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import check_random_state

import dsarray as ds
from dsflow import wait_on
from estimators._validation import like_input
from estimators.ensemble._bootstrap import Bootstrap
from estimators.ensemble._out_of_bag import judge_out_of_bag
from estimators.tree._answers import counterpart_of
from estimators.tree._growth import MAX_SEED
from estimators.tree._learning import Large, TreeLearning, balance_classes, count_features, fit_small, grow_batches
from estimators.tree._nodes import Nodes, join_nodes
from estimators.tree._targets import add_up, balance_draws

__all__ = ["ForestLearning"]

_TASK_ROWS = 2**17
"""How many rows a task has at most over all trees that it fits, unless one tree has more."""


class ForestLearning(TreeLearning):
    """Fitting of forests, and their trees."""

    _tree_kind: type
    """Of scikit-learn."""
    n_estimators: int
    random_state: Any
    warm_start: bool
    bootstrap: bool
    oob_score: Any
    max_samples: Any
    max_features: Any

    @property
    def estimator(self) -> Any:
        """A tree of scikit-learn that is not fitted."""
        return self._tree_kind()

    @property
    def estimator_(self) -> Any:
        """The same as `estimator`."""
        return self.estimator

    @property
    def estimators_(self) -> list[Any]:
        """scikit-learn's trees, made of the nodes."""
        trees = self._trees()
        learned = {name: getattr(self, name) for name in ("n_features_in_", "n_outputs_", "classes_", "n_classes_")
                   if hasattr(self, name)}  # fmt: skip
        learned["max_features_"] = count_features(self.max_features, learned["n_features_in_"])
        own = self.get_params(deep=False)  # type: ignore[attr-defined]  # of the class after this one
        parameters = {name: own[name] for name in self.estimator.get_params() if name in own and name != "class_weight"}
        found = []
        for tree, seed in zip(trees, self._seeds.tolist(), strict=True):
            each = type(self.estimator)(**parameters | {"random_state": seed})
            vars(each).update(learned)
            each.tree_ = tree
            found.append(each)
        return found

    @property
    def estimators_samples_(self) -> Any:
        """Not supported: which rows a tree has is not kept."""
        raise AttributeError(f"{type(self).__name__}: estimators_samples_ is not kept.")

    def decision_path(self, X: Any) -> Any:
        """Return which nodes each row passes, and where the nodes of each tree start.

        Returns
        -------
        indicator : CSR matrix or Array of shape (n_samples, n_nodes)
        n_nodes_ptr : ndarray of shape (n_estimators + 1,)
        """
        return self._answer("decision_path", X, pick=0), np.append(0, np.cumsum(self._nodes["n_nodes"]))

    def _compiled(self) -> Any:
        twin = counterpart_of(self)
        names = ("n_features_in_", "n_outputs_", "classes_", "n_classes_")
        vars(twin).update({name: getattr(self, name) for name in names if hasattr(self, name)})
        twin.estimators_ = self.estimators_
        return twin

    def _n_known(self) -> int:
        """Return how many trees there are to go on with, or raise an error if these are too many."""
        n_known = len(self._seeds) if self.warm_start and hasattr(self, "_seeds") else 0
        if n_known > self.n_estimators:
            raise ValueError(
                f"n_estimators={self.n_estimators} must be larger or equal to len(estimators_)={n_known} when "
                "warm_start==True"
            )
        if n_known == self.n_estimators:
            warnings.warn("Warm-start fitting without increasing n_estimators does not fit new trees.", stacklevel=5)
        return n_known

    def _keep_trees(self, learned: dict[str, Any], parts: Sequence[Nodes], seeds: Any, n_known: int) -> None:
        before = [self._nodes] if n_known else []
        seeds = np.append(self._seeds, seeds) if n_known else seeds
        self._keep(learned, join_nodes([*before, *parts]), np.asarray(seeds, dtype=np.int64))

    # --- small data --------------------------------------------------------------------------------------------------

    def _learn_small(self, X: Any, data: ds.Array, y: Any, sample_weight: Any) -> None:
        n_known = self._n_known()
        rng = check_random_state(self.random_state)
        start = copy.deepcopy(rng)
        rng.randint(MAX_SEED, size=self.n_estimators)
        step = max(1, _TASK_ROWS // data.shape[0])
        if self.oob_score or n_known == self.n_estimators:
            step = self.n_estimators
        ends = [min(first + step, self.n_estimators) for first in range(n_known, self.n_estimators, step)]
        firsts = [n_known, *ends[:-1]]
        twins = [self._twin(start, *bounds) for bounds in zip(firsts, ends or [n_known], strict=True)]
        found = fit_small(data, y, sample_weight, twins)
        learned = {name: self._follow(X, data, name, value) for name, value in found[-1][0].items()}
        parts = [nodes for _, nodes, _ in found if nodes is not None]
        self._keep_trees(learned, parts, [seed for _, _, seeds in found for seed in seeds], n_known)

    def _twin(self, rng: Any, first: int, end: int) -> Any:
        """Return scikit-learn's forest that is about to fit its trees from the first to the end."""
        twin = counterpart_of(self, random_state=copy.deepcopy(rng), n_estimators=end, warm_start=True)
        twin.estimators_ = self.estimators_ if self.oob_score and first else [None] * first
        return twin

    def _follow(self, X: Any, data: ds.Array, name: str, value: Any) -> Any:
        """Return what was learned, as an Array if it has an element for each row, and ``X`` is one."""
        if name not in ("oob_decision_function_", "oob_prediction_") or not isinstance(X, ds.Array):
            return value
        return ds.array(value, block_size=(data.chunks[0], *(-1,) * (value.ndim - 1)))

    # --- large data --------------------------------------------------------------------------------------------------

    def _learn_large(self, X: Any, data: ds.Array, y: Any, sample_weight: Any) -> None:
        self._check_bootstrap()
        n_known = self._n_known()
        seeds = check_random_state(self.random_state).randint(MAX_SEED, size=self.n_estimators)
        large = Large(self, data, y, sample_weight)
        by_draw = self.bootstrap and getattr(self, "class_weight", None) == "balanced_subsample"
        large.weigh([] if by_draw else balance_classes(self, large, weighted=True))
        rate = self._rate(large) if self.bootstrap else None

        def draw(own: Sequence[int]) -> list[Any]:
            if rate is None:
                return [len(own)] * len(large.lengths)
            return [Bootstrap(tuple(own), first, rate) for first in large.starts]

        def tables(own: Sequence[int]) -> list[Any]:
            return balance_draws(large.targets, draw(own), large.weights) if by_draw else []

        new = seeds[n_known:]
        self._keep_trees(self._keep_targets(large.targets), grow_batches(self, large, new, draw, tables), new, n_known)
        if self.oob_score:
            self._judge(X, data, large, draw(self._seeds.tolist()))

    def _check_bootstrap(self) -> None:
        if not self.bootstrap and self.max_samples is not None:
            raise ValueError("`max_sample` cannot be set if `bootstrap=False`; set it to None.")
        if not self.bootstrap and self.oob_score:
            raise ValueError("Out of bag estimation only available if bootstrap=True")
        if callable(self.oob_score):
            raise NotImplementedError(
                f"{type(self).__name__}.fit: oob_score as a function is supported up to local_rows rows, which X "
                "exceeds; set it to True."
            )

    def _rate(self, large: Large) -> float:
        """Return how many draws are expected of a row with weight 1."""
        total = float(large.n_rows)
        if large.weights[0] is not None:
            total = sum(wait_on([add_up(each) for each in large.weights]))
        wanted: float = large.n_rows
        if self.max_samples is not None:
            is_count = isinstance(self.max_samples, Integral)
            wanted = self.max_samples if is_count else max(int(self.max_samples * total), 1)
        return wanted / total

    def _judge(self, X: Any, data: ds.Array, large: Large, draws: Sequence[Bootstrap]) -> None:
        trees = self._trees()
        blocks, self.oob_score_ = judge_out_of_bag(trees, large, draws, large.weights)
        n_outputs, n_values = trees[0].n_outputs, trees[0].max_n_classes
        whole = ds.from_blocks([[[each]] for each in blocks], (data.chunks[0], (n_outputs,), (n_values,)), np.float64)
        if is_classifier(self):
            found = whole[:, 0] if n_outputs == 1 else whole.transpose(0, 2, 1)
            self.oob_decision_function_ = like_input(X, found)
        else:
            self.oob_prediction_ = like_input(X, whole[:, 0, 0] if n_outputs == 1 else whole[:, :, 0])
