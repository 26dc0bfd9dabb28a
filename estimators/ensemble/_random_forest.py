"""Random forests (L. Breiman, "Random forests", 2001), all trees of which grow together.

Up to ``local_rows`` rows, all rows go to tasks that fit some trees each, as scikit-learn does, and the forest is
the one that scikit-learn would have fitted. Of more rows, trees are grown level by level where the rows are, some trees
at a time: see `estimators.tree._growth` for what tasks do and what travels. To the main program come the splits, sums
of the rows of nodes, and the nodes that tasks have finished.
"""

from __future__ import annotations

import sklearn.ensemble
import sklearn.tree

from estimators.ensemble._growing import ForestLearning
from estimators.metrics import DeterminationScore
from estimators.tree._answers import ClassAnswers
from estimators.tree._learning import LOCAL_ROWS

__all__ = ["RandomForestClassifier", "RandomForestRegressor"]


class RandomForestClassifier(ClassAnswers, ForestLearning, sklearn.ensemble.RandomForestClassifier):
    """Classify by the mean answer of trees, each of which has drawn rows and features at random.

    Parameters
    ----------
    n_estimators : int, default=100
    criterion : {"gini", "entropy", "log_loss"}, default="gini"
    max_depth : int, optional
    min_samples_split : int or float, default=2
        Least number of rows, or share of all rows, of a node that is split.
    min_samples_leaf : int or float, default=1
        Least number of rows, or share of all rows, of a leaf.
    min_weight_fraction_leaf : float, default=0.0
        Least share of all weight in a leaf.
    max_features : int, float, {"sqrt", "log2"} or None, default="sqrt"
        How many features, or what share of them, are tried at each node; None for all.
    max_leaf_nodes : int, optional
        How many leaves there are at most; the splits that bring most are kept.
    min_impurity_decrease : float, default=0.0
    bootstrap : bool, default=True
        Whether each tree draws rows, by their weights; else it has all rows, which have weights.
    oob_score : bool or callable, default=False
        Whether to judge the forest by rows that trees have not drawn. A function up to ``local_rows`` rows only.
    n_jobs : int, optional
        Has no effect: tasks run in parallel anyhow.
    random_state : int, RandomState or None
    verbose : int, default=0
        Has no effect.
    warm_start : bool, default=False
        Whether to keep the trees of the last ``fit``, and add others until there are ``n_estimators``.
    class_weight : {"balanced", "balanced_subsample"}, dict or list of dict, optional
    ccp_alpha : float, default=0.0
        Complexity that a subtree must be worth; see scikit-learn.
    max_samples : int or float, optional
        How many rows each tree draws, or which share of them; by default as many as there are. Of more than
        ``local_rows`` rows, each is drawn by itself (see `_bootstrap`), so that this is what is expected.
    monotonic_cst : array_like of shape (n_features,), optional
        Up to ``local_rows`` rows only.
    local_rows : int, optional
        How many rows one task may have. Up to so many rows of ``X``, the forest is scikit-learn's own. Of more, nodes
        are split by histograms until they have no more rows; then scikit-learn's tree finishes them. By
        default, as many rows as have 2**24 elements, but at least 1024 and at most 65536.

    Attributes
    ----------
    estimators_ : list
        scikit-learn's compiled trees, made of what is kept when they are first asked for.
    classes_ : ndarray of shape (n_classes,), or a list of one for each output
    n_classes_ : int, or a list of one for each output
    n_outputs_ : int
    feature_importances_ : ndarray of shape (n_features,)
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if the ``X`` of ``fit`` had names of features.
    oob_score_ : float
    oob_decision_function_ : ndarray or Array of shape (n_samples, n_classes) or (n_samples, n_classes, n_outputs)
        What trees say that have not drawn the row; only with ``oob_score``.

    Examples
    --------
    >>> import dsarray as ds
    >>> from sklearn.datasets import load_iris
    >>> from estimators.ensemble import RandomForestClassifier
    >>> x, y = load_iris(return_X_y=True)
    >>> model = RandomForestClassifier(n_estimators=20, random_state=0).fit(ds.array(x, block_size=50), y)
    >>> model.score(x, y) > 0.98
    True
    """

    _tree_kind = sklearn.tree.DecisionTreeClassifier
    _parameter_constraints = sklearn.ensemble.RandomForestClassifier._parameter_constraints | LOCAL_ROWS

    def __init__(
        self,
        n_estimators=100,
        *,
        criterion="gini",
        max_depth=None,
        min_samples_split=2,
        min_samples_leaf=1,
        min_weight_fraction_leaf=0.0,
        max_features="sqrt",
        max_leaf_nodes=None,
        min_impurity_decrease=0.0,
        bootstrap=True,
        oob_score=False,
        n_jobs=None,
        random_state=None,
        verbose=0,
        warm_start=False,
        class_weight=None,
        ccp_alpha=0.0,
        max_samples=None,
        monotonic_cst=None,
        local_rows=None,
    ):
        self.n_estimators = n_estimators
        self.criterion = criterion
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.min_weight_fraction_leaf = min_weight_fraction_leaf
        self.max_features = max_features
        self.max_leaf_nodes = max_leaf_nodes
        self.min_impurity_decrease = min_impurity_decrease
        self.bootstrap = bootstrap
        self.oob_score = oob_score
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
        self.warm_start = warm_start
        self.class_weight = class_weight
        self.ccp_alpha = ccp_alpha
        self.max_samples = max_samples
        self.monotonic_cst = monotonic_cst
        self.local_rows = local_rows


class RandomForestRegressor(DeterminationScore, ForestLearning, sklearn.ensemble.RandomForestRegressor):
    """Predict numbers by the mean answer of trees, each of which has drawn rows and features at random.

    Parameters
    ----------
    n_estimators : int, default=100
    criterion : {"squared_error", "absolute_error", "poisson"}, default="squared_error"
        Others than the first up to ``local_rows`` rows only.
    max_depth : int, optional
    min_samples_split : int or float, default=2
        Least number of rows, or share of all rows, of a node that is split.
    min_samples_leaf : int or float, default=1
        Least number of rows, or share of all rows, of a leaf.
    min_weight_fraction_leaf : float, default=0.0
        Least share of all weight in a leaf.
    max_features : int, float, {"sqrt", "log2"} or None, default=1.0
        How many features, or what share of them, are tried at each node; None for all.
    max_leaf_nodes : int, optional
        How many leaves there are at most; the splits that bring most are kept.
    min_impurity_decrease : float, default=0.0
    bootstrap : bool, default=True
        Whether each tree draws rows, by their weights; else it has all rows, which have weights.
    oob_score : bool or callable, default=False
        Whether to judge the forest by rows that trees have not drawn. A function up to ``local_rows`` rows only.
    n_jobs : int, optional
        Has no effect: tasks run in parallel anyhow.
    random_state : int, RandomState or None
    verbose : int, default=0
        Has no effect.
    warm_start : bool, default=False
        Whether to keep the trees of the last ``fit``, and add others until there are ``n_estimators``.
    ccp_alpha : float, default=0.0
        Complexity that a subtree must be worth; see scikit-learn.
    max_samples : int or float, optional
        How many rows each tree draws, or which share of them; by default as many as there are. Of more than
        ``local_rows`` rows, each is drawn by itself (see `_bootstrap`), so that this is what is expected.
    monotonic_cst : array_like of shape (n_features,), optional
        Up to ``local_rows`` rows only.
    local_rows : int, optional
        How many rows one task may have. Up to so many rows of ``X``, the forest is scikit-learn's own. Of more, nodes
        are split by histograms until they have no more rows; then scikit-learn's tree finishes them. By
        default, as many rows as have 2**24 elements, but at least 1024 and at most 65536.

    Attributes
    ----------
    estimators_ : list
        scikit-learn's compiled trees, made of what is kept when they are first asked for.
    n_outputs_ : int
    feature_importances_ : ndarray of shape (n_features,)
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if the ``X`` of ``fit`` had names of features.
    oob_score_ : float
    oob_prediction_ : ndarray or Array of shape (n_samples,) or (n_samples, n_outputs)
        What trees say that have not drawn the row; only with ``oob_score``.

    Examples
    --------
    >>> import dsarray as ds
    >>> from sklearn.datasets import load_diabetes
    >>> from estimators.ensemble import RandomForestRegressor
    >>> x, y = load_diabetes(return_X_y=True)
    >>> model = RandomForestRegressor(n_estimators=20, random_state=0).fit(ds.array(x, block_size=100), y)
    >>> model.score(x, y) > 0.85
    True
    """

    _tree_kind = sklearn.tree.DecisionTreeRegressor
    _parameter_constraints = sklearn.ensemble.RandomForestRegressor._parameter_constraints | LOCAL_ROWS

    def __init__(
        self,
        n_estimators=100,
        *,
        criterion="squared_error",
        max_depth=None,
        min_samples_split=2,
        min_samples_leaf=1,
        min_weight_fraction_leaf=0.0,
        max_features=1.0,
        max_leaf_nodes=None,
        min_impurity_decrease=0.0,
        bootstrap=True,
        oob_score=False,
        n_jobs=None,
        random_state=None,
        verbose=0,
        warm_start=False,
        ccp_alpha=0.0,
        max_samples=None,
        monotonic_cst=None,
        local_rows=None,
    ):
        self.n_estimators = n_estimators
        self.criterion = criterion
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.min_weight_fraction_leaf = min_weight_fraction_leaf
        self.max_features = max_features
        self.max_leaf_nodes = max_leaf_nodes
        self.min_impurity_decrease = min_impurity_decrease
        self.bootstrap = bootstrap
        self.oob_score = oob_score
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
        self.warm_start = warm_start
        self.ccp_alpha = ccp_alpha
        self.max_samples = max_samples
        self.monotonic_cst = monotonic_cst
        self.local_rows = local_rows
