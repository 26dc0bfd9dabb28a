"""A search over the parameters of any function, such as a simulation: one task for each call."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np
from scipy.stats import rankdata
from sklearn.base import BaseEstimator
from sklearn.model_selection import ParameterGrid, ParameterSampler
from sklearn.utils import check_random_state

from dsflow import Task, task, wait_on

__all__ = ["SimulationSearch"]


class SimulationSearch(BaseEstimator):
    """Call a function with all combinations of parameters, and find the best.

    All calls are started at once; what comes to the main program is what they return.

    Parameters
    ----------
    simulate : callable
        A task, or any function; it is called with keyword arguments. It returns a number, or anything that ``score``
        makes a number of.
    param_grid : dict or list of dict, optional
        Values to try, by the names of arguments.
    param_distributions : dict or list of dict, optional
        Lists, or distributions with a method ``rvs``, to draw from, in place of ``param_grid``.
    n_iter : int, default=10
        How many candidates are drawn.
    n_simulations : int, default=1
        How often the function is called for each candidate.
    sort : {"max", "min"}, default="max"
        Whether a greater or a lesser mean is better.
    score : callable, optional
        Makes a number of what the function returns, in the main program.
    seed_name : str, optional
        Name of an argument that is given another int in each of ``n_simulations``, the same for all candidates.
    random_state : int, RandomState or None
        For what is drawn, and for seeds.

    Attributes
    ----------
    results_ : dict of ndarray
        ``params``, ``param_*``, ``simulation0_score`` and so on, ``mean_score``, ``std_score`` and ``rank_score``.
    raw_results_ : list of list
        What the function has returned, by candidate and simulation.
    best_index_, best_params_, best_score_
        Of the candidate with the best mean.

    Examples
    --------
    >>> from estimators.model_selection import SimulationSearch
    >>> search = SimulationSearch(lambda height, speed: (height - 2) ** 2 + speed, sort="min",
    ...                           param_grid={"height": [1, 2, 3], "speed": [0, 5]})
    >>> search.fit().best_params_
    {'height': 2, 'speed': 0}
    """

    def __init__(
        self,
        simulate,
        param_grid=None,
        *,
        param_distributions=None,
        n_iter=10,
        n_simulations=1,
        sort="max",
        score=None,
        seed_name=None,
        random_state=None,
    ):
        self.simulate = simulate
        self.param_grid = param_grid
        self.param_distributions = param_distributions
        self.n_iter = n_iter
        self.n_simulations = n_simulations
        self.sort = sort
        self.score = score
        self.seed_name = seed_name
        self.random_state = random_state

    def fit(self, X: Any = None, y: Any = None) -> SimulationSearch:
        """Call the function with all candidates.

        Parameters
        ----------
        X, y : ignored

        Raises
        ------
        ValueError
            When parameters of the search make no sense.
        TypeError
            When ``simulate`` or ``score`` is no function; or a call returns what is no number, and ``score`` does not
            make it one.
        """
        self._check_parameters()
        rng = check_random_state(self.random_state)
        candidates = list(
            ParameterGrid(self.param_grid)
            if self.param_grid is not None
            else ParameterSampler(self.param_distributions, self.n_iter, random_state=rng)
        )
        seeds: list[dict[str, Any]] = [{}] * self.n_simulations
        if self.seed_name is not None:
            seeds = [{self.seed_name: int(each)} for each in rng.randint(2**31, size=self.n_simulations)]
        futures = [[_start(self.simulate, each | seed) for seed in seeds] for each in candidates]
        self.raw_results_ = wait_on(futures)
        scores = np.array([[_number(each, self.score) for each in of_one] for of_one in self.raw_results_])
        self._keep(candidates, scores)
        return self

    def _check_parameters(self) -> None:
        if not callable(self.simulate):
            raise TypeError(
                f"SimulationSearch.fit: simulate={self.simulate!r} is no function; give a task, or a function, that "
                "takes the parameters by name. For the parameters of an estimator, use GridSearchCV."
            )
        if self.score is not None and not callable(self.score):
            raise TypeError(f"SimulationSearch.fit: score={self.score!r} is no function; give one, or None.")
        if (self.param_grid is None) == (self.param_distributions is None):
            raise ValueError("SimulationSearch.fit: give param_grid or param_distributions, one of them.")
        if self.sort not in ("max", "min"):
            raise ValueError(f"SimulationSearch.fit: sort={self.sort!r} makes no sense; give 'max' or 'min'.")
        for name in ("n_simulations", "n_iter"):
            value = getattr(self, name)
            if not isinstance(value, Integral) or value < 1:
                raise ValueError(f"SimulationSearch.fit: {name}={value!r} makes no sense; give an int of at least 1.")

    def _keep(self, candidates: list[dict[str, Any]], scores: Any) -> None:
        names = list(dict.fromkeys(name for each in candidates for name in each))
        means = scores.mean(axis=1)
        order = np.nan_to_num(means if self.sort == "min" else -means, nan=np.inf)
        self.results_ = {f"param_{name}": _column(name, candidates) for name in names}
        self.results_["params"] = candidates
        self.results_ |= {f"simulation{i}_score": scores[:, i] for i in range(scores.shape[1])}
        self.results_ |= {"mean_score": means, "std_score": scores.std(axis=1)}
        self.results_["rank_score"] = rankdata(order, method="min").astype(np.int32)
        self.best_index_ = int(order.argmin())
        self.best_params_ = candidates[self.best_index_]
        self.best_score_ = float(means[self.best_index_])


def _start(simulate: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    return simulate(**arguments) if isinstance(simulate, Task) else run_simulation(simulate, arguments)


def _column(name: str, candidates: list[dict[str, Any]]) -> Any:
    """Return the values of a parameter, masked where a candidate does not have it."""
    column = np.ma.MaskedArray(np.empty(len(candidates), dtype=object), mask=True)
    for i, each in enumerate(candidates):
        if name in each:
            column[i] = each[name]
    return column


def _number(result: Any, score: Callable[[Any], Any] | None) -> float:
    value = result if score is None else score(result)
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        is_single = isinstance(value, tuple) and len(value) == 1
        hint = " Leave returns=1 away in a task that returns a number: it makes a tuple." if is_single else ""
        raise TypeError(
            f"SimulationSearch.fit: a call returned a {type(value).__name__}, which is no number; give `score`, a "
            f"function that makes one of it.{hint}"
        ) from error


@task
def run_simulation(simulate: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Call a function with keyword arguments."""
    return simulate(**arguments)
