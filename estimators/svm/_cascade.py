"""The cascade support vector machine for classes; `_machine` says what tasks do and what travels."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

import dsarray as ds
from dsflow import share
from estimators._targets import check_all_weighed, encode_classes, weigh_rows
from estimators._validation import check_X, like_input, map_rows, rows_to_array
from estimators.metrics import AccuracyScore
from estimators.svm._machine import CascadeMachine, like_vectors
from estimators.svm._pairs import PairsProblem
from estimators.svm._solver import Samples, Solution, as_dense
from estimators.svm._votes import choose_classes, decide_one_by_one, decide_one_versus_rest

__all__ = ["CascadeSVM"]


class CascadeSVM(AccuracyScore, ClassifierMixin, CascadeMachine):
    """Classify with a support vector machine that is trained in parts.

    Parameters
    ----------
    cascade_arity : int, default 2
        How many sets of support vectors are merged at a time.
    max_iter : int, default 5
        Number of passes at most, the first of which is the cascade.
    tol : float, default 1e-3
        When to stop, relative to the dual objective: once a pass has changed it by less, or none can change it by more
        since the primal objective is as near. With 0, passes go on until no sample contradicts. Unlike in SVC, it is
        not the tolerance of the solvers, which is always SVC's default, 1e-3.
    kernel : {"linear", "poly", "rbf", "sigmoid"}, default "rbf"
    C : float, default 1.0
        What a violation of the margin costs.
    gamma : {"scale", "auto"} or float, default "scale"
        Coefficient of the kernels but the linear one: "scale" is 1 / (n_features * variance of X), "auto" is
        1 / n_features.
    check_convergence : bool, default True
        False to make ``max_iter`` passes without looking at objectives, and without waiting in between.
    random_state : int, RandomState or None, default None
        Not used: nothing is random. It is here for programs that set it.
    verbose : bool, default False
        True to log each pass at level INFO.
    degree : int, default 3
        Degree of the kernel "poly".
    coef0 : float, default 0.0
        Constant term of the kernels "poly" and "sigmoid".
    class_weight : dict or "balanced", optional
        Factors of C by class.
    decision_function_shape : {"ovr", "ovo"}, default "ovr"
        Whether `decision_function` gives a column for each class, or for each pair of classes.
    break_ties : bool, default False
        True to let the decision function decide where classes have as many votes; else the first of them wins.
    shrinking : bool, default True
        Whether solvers set samples aside that do not seem to matter for a while.
    cache_size : float, default 200
        Size of the kernel cache of each solver in MiB.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    support_ : ndarray of shape (n_support,)
        Positions of the support vectors among the rows of X.
    support_vectors_ : ndarray or CSR matrix of shape (n_support, n_features)
        In the order of their classes.
    n_support_ : ndarray of shape (n_classes,)
        Number of support vectors of each class.
    dual_coef_ : ndarray or CSR matrix of shape (n_classes - 1, n_support)
        Coefficients of the support vectors, in the layout of scikit-learn's SVC.
    intercept_ : ndarray of shape (n_classes * (n_classes - 1) / 2,)
    n_iter_ : int
        Number of passes.
    converged_ : bool
        Whether ``tol`` was reached.
    objective_ : float
        The dual objective, summed over all pairs of classes; NaN with ``check_convergence=False``.
    n_features_in_ : int

    Raises
    ------
    MemoryError
        When the support vectors exceed the memory given to ``dsflow.start``.

    Notes
    -----
    With more than two classes there is one machine for each pair, as in SVC. The solution is the one of SVC to the
    tolerances, whatever the blocks; for the same blocks it is the same on every engine. X that fits in one row of
    blocks is solved by SVC itself.

    Examples
    --------
    >>> import dsarray as ds
    >>> from sklearn.datasets import load_breast_cancer
    >>> x, y = load_breast_cancer(return_X_y=True)
    >>> machine = CascadeSVM(kernel="linear").fit(ds.array(x[:500], block_size=100), ds.array(y[:500]))
    >>> round(machine.score(x[500:], y[500:]), 1)
    1.0
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **CascadeMachine._parameter_constraints,
        "random_state": ["random_state"],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "decision_function_shape": [StrOptions({"ovr", "ovo"})],
        "break_ties": ["boolean"],
    }

    def __init__(
        self,
        cascade_arity=2,
        max_iter=5,
        tol=1e-3,
        kernel="rbf",
        C=1.0,
        gamma="scale",
        check_convergence=True,
        random_state=None,
        verbose=False,
        *,
        degree=3,
        coef0=0.0,
        class_weight=None,
        decision_function_shape="ovr",
        break_ties=False,
        shrinking=True,
        cache_size=200,
    ):
        self.cascade_arity = cascade_arity
        self.max_iter = max_iter
        self.tol = tol
        self.kernel = kernel
        self.C = C
        self.gamma = gamma
        self.check_convergence = check_convergence
        self.random_state = random_state
        self.verbose = verbose
        self.degree = degree
        self.coef0 = coef0
        self.class_weight = class_weight
        self.decision_function_shape = decision_function_shape
        self.break_ties = break_ties
        self.shrinking = shrinking
        self.cache_size = cache_size

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> CascadeSVM:
        """Find the support vectors.

        Parameters
        ----------
        X : array_like, sparse matrix or Array of shape (n_samples, n_features)
        y : array_like or Array of shape (n_samples,) or (n_samples, 1)
            Labels of at least two classes.
        sample_weight : array_like or Array of shape (n_samples,), optional
            Factors of C by sample.

        Returns
        -------
        CascadeSVM
            This estimator.
        """
        data = check_X(self, X, reset=True, dtype=(np.float64,))
        codes, self.classes_ = encode_classes(self, y, data)
        weights = weigh_rows(self, codes, sample_weight, data)
        check_all_weighed(self, codes, weights)
        rounds = self._begin_fit(X, y, sample_weight, name="pass", n_rounds=self.max_iter)
        self._solve(rounds, data, codes, weights)
        return self

    def predict(self, X: Any) -> Any:
        """Return the class of each sample.

        Parameters
        ----------
        X : array_like, sparse matrix or Array of shape (n_samples, n_features)

        Returns
        -------
        ndarray or Array of shape (n_samples,)
            An Array if X is one.
        """
        check_is_fitted(self)
        if self.break_ties and self.decision_function_shape == "ovo":
            raise ValueError(
                "CascadeSVM.predict: break_ties=True needs decision_function_shape='ovr'; set one of them."
            )
        data = check_X(self, X, reset=False, dtype=(np.float64,))
        model, kernel = share(self._model()), self._kernel()
        if isinstance(X, ds.Array):
            labels = map_rows(self, choose_classes, data, model, kernel, self.break_ties, self.classes_)
            return rows_to_array(labels, data, self.classes_.dtype)
        codes = map_rows(self, choose_classes, data, model, kernel, self.break_ties)
        return self.classes_.take(rows_to_array(codes, data, np.intp).collect())

    def decision_function(self, X: Any) -> Any:
        """Return how far the samples are on the side of each class or pair.

        Parameters
        ----------
        X : array_like, sparse matrix or Array of shape (n_samples, n_features)

        Returns
        -------
        ndarray or Array of shape (n_samples,), (n_samples, n_classes) or (n_samples, n_pairs)
            With two classes, positive for the second one. With more, votes of the pairs with a fraction that tells by
            how much they were won ("ovr"), or the functions of all pairs, positive for the first of the two ("ovo").
        """
        check_is_fitted(self)
        data = check_X(self, X, reset=False, dtype=(np.float64,))
        n_classes = len(self.classes_)
        by_class = self.decision_function_shape == "ovr" and n_classes > 2
        decide = decide_one_versus_rest if by_class else decide_one_by_one
        n_columns = n_classes if by_class else len(self.intercept_)
        decisions = map_rows(self, decide, data, share(self._model()), self._kernel())
        return like_input(X, rows_to_array(decisions, data, np.float64, None if n_classes == 2 else n_columns))

    # --- the model ---------------------------------------------------------------------------------------------------

    def _problem(self) -> PairsProblem:
        return PairsProblem(self._kernel(), self.C, self.shrinking, self.cache_size)

    def _learned(self, model: Solution) -> dict[str, Any]:
        sign = -1 if len(self.classes_) == 2 else 1
        return {
            "support_": model.support.index,
            "support_vectors_": model.support.rows,
            "n_support_": np.bincount(model.support.targets, minlength=len(self.classes_)).astype(np.int32),
            "dual_coef_": like_vectors(sign * model.dual_coef, model.support.rows),
            "intercept_": sign * model.intercept,
        }

    def _model(self) -> Solution:
        sign = -1 if len(self.classes_) == 2 else 1
        codes = np.repeat(np.arange(len(self.classes_)), self.n_support_)
        support = Samples(self.support_vectors_, codes, None, self.support_)
        return Solution(support, sign * as_dense(self.dual_coef_), sign * self.intercept_, support.take(np.arange(0)))
