"""What cascades of all kinds have in common: a tree of small machines, each of which passes its support vectors on.

One task solves the problem of one row of blocks; tasks of the tree above solve that of what ``cascade_arity`` of them
have kept, which is support vectors and samples near a margin, up to one. Then one task for each row of blocks looks at
its samples with that solution. If it has kept all that miss what is asked of them, it is the solution of all samples
together; else those that it has not are solved for with those that it has, and looked at again. Solutions are rough
until few samples contradict. What travels is what solutions keep and those violators; to the main program come five
sums of each block and pass, and at the end the support vectors.

H. P. Graf, E. Cosatto, L. Bottou, I. Durdanovic and V. Vapnik, "Parallel support vector machines: the cascade SVM"
(NIPS 2004). There, later passes solve each block anew together with the support vectors; here they only look at it,
which finds the same optimum for less: a sample that is on its side of every margin would get a coefficient of 0.
"""

from __future__ import annotations

import logging
import warnings
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval, StrOptions

import dsarray as ds
from dsflow import Future, active_session, wait_on
from estimators._rounds import ObservedFit, Rounds
from estimators._validation import check_rows
from estimators.svm._kernel import KERNELS, Kernel
from estimators.svm._passes import run_passes
from estimators.svm._solver import Problem, Solution, count_bytes, take_model

__all__ = ["CascadeMachine", "like_vectors"]


class CascadeMachine(ObservedFit, BaseEstimator):
    """A support vector machine that is trained in parts."""

    kernel: str
    degree: int
    gamma: Any
    coef0: float
    cascade_arity: int
    max_iter: int
    tol: float
    check_convergence: bool
    verbose: Any

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "cascade_arity": [Interval(Integral, 2, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "kernel": [StrOptions(set(KERNELS))],
        "C": [Interval(Real, 0, None, closed="neither")],
        "gamma": [StrOptions({"scale", "auto"}), Interval(Real, 0, None, closed="left")],
        "check_convergence": ["boolean"],
        "verbose": ["verbose"],
        "degree": [Interval(Integral, 0, None, closed="left")],
        "coef0": [Interval(Real, None, None, closed="neither")],
        "shrinking": ["boolean"],
        "cache_size": [Interval(Real, 0, None, closed="neither")],
    }

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _problem(self) -> Problem:
        """Return what is to be solved."""
        raise NotImplementedError

    def _learned(self, model: Solution) -> dict[str, Any]:
        """Return the attributes that hold a solution."""
        raise NotImplementedError

    def _solve(self, rounds: Rounds, data: ds.Array, targets: list[Any], weights: list[Any]) -> None:
        """Keep the solution of all samples, given rows of blocks of their targets and weights."""
        checked = check_rows(self, data)
        starts = np.cumsum((0, *data.chunks[0][:-1])).tolist()
        self._gamma = self._choose_gamma(checked)
        passes = run_passes(
            list(zip(checked.row_blocks(), targets, weights, starts, strict=True)),
            self._problem(),
            name=type(self).__name__,
            arity=self.cascade_arity,
            max_passes=self.max_iter,
            tol=self.tol if self.check_convergence else None,
            log_level=logging.INFO if self.verbose else logging.DEBUG,
            is_enough=lambda solution: rounds.end_round(lambda: self._learned(wait_on(take_model(solution)))),
        )
        self.n_iter_, self.objective_, self.converged_ = passes.n_passes, passes.dual, passes.converged
        if not passes.stopped:
            self._warn_unless_converged()
        model = take_model(passes.solution)
        self._check_budget(model)
        vars(self).update(self._learned(wait_on(model)))
        rounds.end()

    def _check_learned(self) -> None:
        """Raise an error for what was read from a file and has other support vectors than it says."""
        if not hasattr(self, "support_vectors_"):
            return
        model: Any = self
        counts, n_support = model.n_support_, len(model.support_)
        if model.support_vectors_.shape != (n_support, model.n_features_in_) or model.dual_coef_.shape[1] != n_support:
            raise ValueError(f"{n_support} support vectors have shape {model.support_vectors_.shape}")
        if counts.dtype.kind != "i" or counts.min() < 0 or sum(counts.tolist()) != n_support:
            raise ValueError(f"{n_support} support vectors are divided into {counts}")

    def _choose_gamma(self, data: ds.Array) -> float:
        if self.gamma == "auto":
            return 1 / data.shape[1]
        if self.gamma != "scale":
            return float(self.gamma)
        variance = (data * data).mean() - data.mean() ** 2 if data.sparse else data.var()
        scale = data.shape[1] * float(variance)
        return 1 / scale if scale else 1.0

    def _kernel(self) -> Kernel:
        return Kernel(self.kernel, self._gamma, self.degree, self.coef0)

    def _warn_unless_converged(self) -> None:
        if self.check_convergence and not self.converged_:
            warnings.warn(
                f"{type(self).__name__}.fit: not converged after max_iter={self.max_iter} passes; allow more, or a "
                "larger tol.",
                ConvergenceWarning,
                stacklevel=5,
            )

    def _check_budget(self, model: Future[Solution]) -> None:
        session = active_session()
        budget = None if session is None else session.memory_bytes
        if budget is None:
            return
        n_bytes = wait_on(count_bytes(model))
        if n_bytes > budget:
            raise MemoryError(
                f"{type(self).__name__}.fit: the support vectors have {n_bytes} bytes, more than the {budget} bytes of "
                "the session; lower C, choose a smoother kernel, or give dsflow.start() more memory."
            )


def like_vectors(coefficients: Any, vectors: Any) -> Any:
    """Return coefficients as SVC has them: of sparse support vectors, a sparse matrix of the same kind."""
    return type(vectors)(coefficients) if scipy.sparse.issparse(vectors) else coefficients
