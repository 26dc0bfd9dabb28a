"""Decision trees (see `_learning` and `_growth` for how they are fitted, and `_answers` for how they predict)."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import sklearn.tree
from sklearn.utils import check_random_state

import dsarray as ds
from estimators.metrics import DeterminationScore
from estimators.tree._answers import ClassAnswers, counterpart_of
from estimators.tree._growth import MAX_SEED
from estimators.tree._learning import LOCAL_ROWS, Large, TreeLearning, balance_classes, fit_small, grow_batches

__all__ = ["DecisionTreeClassifier", "DecisionTreeRegressor"]


class _SingleTree(TreeLearning):
    """What both kinds of trees do."""

    random_state: Any
    max_features: Any

    @property
    def tree_(self) -> Any:
        """scikit-learn's compiled tree, made of the nodes."""
        return self._trees()[0]

    def decision_path(self, X: Any) -> Any:
        """Return which nodes each row passes, as a sparse matrix or Array of shape (n_samples, n_nodes)."""
        return self._answer("decision_path", X)

    def _compiled(self) -> Any:
        twin = counterpart_of(self)
        names = ("n_features_in_", "n_outputs_", "classes_", "n_classes_", "max_features_")
        vars(twin).update({name: getattr(self, name) for name in names if hasattr(self, name)})
        twin.tree_ = self.tree_
        return twin

    def _learn_small(self, X: Any, data: ds.Array, y: Any, sample_weight: Any) -> None:
        twin = counterpart_of(self, random_state=self._draw_seed())
        [(learned, nodes, _)] = fit_small(data, y, sample_weight, [twin])
        self._keep(learned, nodes, [])

    def _learn_large(self, X: Any, data: ds.Array, y: Any, sample_weight: Any) -> None:
        large = Large(self, data, y, sample_weight)
        large.weigh(balance_classes(self, large, weighted=False))
        rules = self._rules(large.n_rows)
        [nodes] = grow_batches(
            self, large, [self._draw_seed()], lambda seeds: [len(seeds)] * len(large.lengths), lambda _: []
        )
        learned = self._keep_targets(large.targets) | {"max_features_": rules.max_features}
        self._keep(learned, nodes, [])

    def _draw_seed(self) -> int:
        if isinstance(self.random_state, Integral):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(MAX_SEED))


class DecisionTreeClassifier(ClassAnswers, _SingleTree, sklearn.tree.DecisionTreeClassifier):
    """Classify by questions about one feature at a time.

    Parameters
    ----------
    criterion : {"gini", "entropy", "log_loss"}, default="gini"
    splitter : {"best", "random"}, default="best"
        "random" up to ``local_rows`` rows only.
    max_depth : int, optional
    min_samples_split : int or float, default=2
        Least number of rows, or share of all rows, of a node that is split.
    min_samples_leaf : int or float, default=1
        Least number of rows, or share of all rows, of a leaf.
    min_weight_fraction_leaf : float, default=0.0
        Least share of all weight in a leaf.
    max_features : int, float, {"sqrt", "log2"} or None, default=None
        How many features, or what share of them, are tried at each node; None for all.
    random_state : int, RandomState or None
        Decides which features are tried, and which of equal splits is taken.
    max_leaf_nodes : int, optional
        How many leaves there are at most; the splits that bring most are kept.
    min_impurity_decrease : float, default=0.0
    class_weight : dict, list of dict or "balanced", optional
    ccp_alpha : float, default=0.0
        Complexity that a subtree must be worth; see scikit-learn.
    monotonic_cst : array_like of shape (n_features,), optional
        Up to ``local_rows`` rows only.
    local_rows : int, optional
        How many rows one task may have. Up to so many rows of ``X``, the tree is scikit-learn's own. Of more, nodes are
        split by histograms until they have no more rows; then scikit-learn's tree finishes them. By
        default, as many rows as have 2**24 elements, but at least 1024 and at most 65536.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,), or a list of one for each output
    n_classes_ : int, or a list of one for each output
    n_outputs_ : int
    max_features_ : int
    feature_importances_ : ndarray of shape (n_features,)
    tree_ : Tree
        scikit-learn's compiled tree, made of what is kept when it is first asked for.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if the ``X`` of ``fit`` had names of features.

    Examples
    --------
    >>> import dsarray as ds
    >>> from sklearn.datasets import load_iris
    >>> from estimators.tree import DecisionTreeClassifier
    >>> x, y = load_iris(return_X_y=True)
    >>> model = DecisionTreeClassifier(max_depth=2, random_state=0).fit(ds.array(x, block_size=50), y)
    >>> round(model.score(x, y), 2)
    0.96
    """

    _parameter_constraints = sklearn.tree.DecisionTreeClassifier._parameter_constraints | LOCAL_ROWS

    def __init__(
        self,
        *,
        criterion="gini",
        splitter="best",
        max_depth=None,
        min_samples_split=2,
        min_samples_leaf=1,
        min_weight_fraction_leaf=0.0,
        max_features=None,
        random_state=None,
        max_leaf_nodes=None,
        min_impurity_decrease=0.0,
        class_weight=None,
        ccp_alpha=0.0,
        monotonic_cst=None,
        local_rows=None,
    ):
        self.criterion = criterion
        self.splitter = splitter
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.min_weight_fraction_leaf = min_weight_fraction_leaf
        self.max_features = max_features
        self.random_state = random_state
        self.max_leaf_nodes = max_leaf_nodes
        self.min_impurity_decrease = min_impurity_decrease
        self.class_weight = class_weight
        self.ccp_alpha = ccp_alpha
        self.monotonic_cst = monotonic_cst
        self.local_rows = local_rows


class DecisionTreeRegressor(DeterminationScore, _SingleTree, sklearn.tree.DecisionTreeRegressor):
    """Predict numbers by questions about one feature at a time.

    Parameters
    ----------
    criterion : {"squared_error", "absolute_error", "poisson"}, default="squared_error"
        Others than the first up to ``local_rows`` rows only.
    splitter : {"best", "random"}, default="best"
        "random" up to ``local_rows`` rows only.
    max_depth : int, optional
    min_samples_split : int or float, default=2
        Least number of rows, or share of all rows, of a node that is split.
    min_samples_leaf : int or float, default=1
        Least number of rows, or share of all rows, of a leaf.
    min_weight_fraction_leaf : float, default=0.0
        Least share of all weight in a leaf.
    max_features : int, float, {"sqrt", "log2"} or None, default=None
        How many features, or what share of them, are tried at each node; None for all.
    random_state : int, RandomState or None
        Decides which features are tried, and which of equal splits is taken.
    max_leaf_nodes : int, optional
        How many leaves there are at most; the splits that bring most are kept.
    min_impurity_decrease : float, default=0.0
    ccp_alpha : float, default=0.0
        Complexity that a subtree must be worth; see scikit-learn.
    monotonic_cst : array_like of shape (n_features,), optional
        Up to ``local_rows`` rows only.
    local_rows : int, optional
        How many rows one task may have. Up to so many rows of ``X``, the tree is scikit-learn's own. Of more, nodes are
        split by histograms until they have no more rows; then scikit-learn's tree finishes them. By
        default, as many rows as have 2**24 elements, but at least 1024 and at most 65536.

    Attributes
    ----------
    n_outputs_ : int
    max_features_ : int
    feature_importances_ : ndarray of shape (n_features,)
    tree_ : Tree
        scikit-learn's compiled tree, made of what is kept when it is first asked for.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if the ``X`` of ``fit`` had names of features.

    Examples
    --------
    >>> import dsarray as ds
    >>> from sklearn.datasets import load_diabetes
    >>> from estimators.tree import DecisionTreeRegressor
    >>> x, y = load_diabetes(return_X_y=True)
    >>> model = DecisionTreeRegressor(max_depth=3, random_state=0).fit(ds.array(x, block_size=100), y)
    >>> round(model.score(x, y), 1)
    0.5
    """

    _parameter_constraints = sklearn.tree.DecisionTreeRegressor._parameter_constraints | LOCAL_ROWS

    def __init__(
        self,
        *,
        criterion="squared_error",
        splitter="best",
        max_depth=None,
        min_samples_split=2,
        min_samples_leaf=1,
        min_weight_fraction_leaf=0.0,
        max_features=None,
        random_state=None,
        max_leaf_nodes=None,
        min_impurity_decrease=0.0,
        ccp_alpha=0.0,
        monotonic_cst=None,
        local_rows=None,
    ):
        self.criterion = criterion
        self.splitter = splitter
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.min_weight_fraction_leaf = min_weight_fraction_leaf
        self.max_features = max_features
        self.random_state = random_state
        self.max_leaf_nodes = max_leaf_nodes
        self.min_impurity_decrease = min_impurity_decrease
        self.ccp_alpha = ccp_alpha
        self.monotonic_cst = monotonic_cst
        self.local_rows = local_rows
