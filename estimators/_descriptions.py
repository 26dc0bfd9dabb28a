"""What model files know by name: estimators, and objects of scikit-learn and SciPy that parameters may be.

The latter are splitters, scorers and distributions, as a name and plain arguments. What is not known by name is not
described, and from a description nothing else is made.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any, NamedTuple

import scipy.stats
import sklearn.metrics
import sklearn.model_selection
from scipy.stats.distributions import rv_frozen
from sklearn.base import BaseEstimator
from sklearn.impute import MissingIndicator
from sklearn.metrics._scorer import _PassthroughScorer, _Scorer
from sklearn.model_selection import _split
from sklearn.pipeline import Pipeline

__all__ = ["Description", "describe", "known_estimators", "make_described"]


class Description(NamedTuple):
    """What an object is made of."""

    kind: str
    name: str
    arguments: dict[str, Any]


@functools.cache
def known_estimators() -> dict[str, type]:
    """Return the estimators of this library and its searches, by name; and of scikit-learn, what holds or is in them.

    That is pipelines, and the indicator of a `SimpleImputer` with ``add_indicator=True``.
    """
    import estimators
    from estimators import model_selection

    found = {name: getattr(room, name) for room in (estimators, model_selection) for name in room.__all__}
    kinds = {name: kind for name, kind in found.items() if isinstance(kind, type) and issubclass(kind, BaseEstimator)}
    return kinds | {"Pipeline": Pipeline, "MissingIndicator": MissingIndicator}


def describe(value: Any) -> Description | None:
    """Return what an object is made of, or None if it is not known."""
    if _splitters().get(type(value).__name__) is type(value):
        names = inspect.signature(type(value)).parameters
        more = getattr(value, "cvargs", {})  # of those that repeat others
        return Description("splitter", type(value).__name__, {name: {**more, **vars(value)}[name] for name in names})
    if type(value) is _PassthroughScorer:
        return Description("scorer", "score", {"estimator": value._estimator})
    if type(value) is _Scorer:
        name = next((each for each in sklearn.metrics.get_scorer_names() if _is_scorer(value, each)), None)
        return None if name is None else Description("scorer", name, {})
    if isinstance(value, rv_frozen):
        known = _distribution(value.dist.name)
        is_known = type(known) is type(value.dist) and (known.a, known.b) == (value.dist.a, value.dist.b)
        arguments = {"args": tuple(value.args), "kwds": value.kwds}
        return Description("distribution", value.dist.name, arguments) if is_known else None
    return None


def make_described(kind: str, name: str, arguments: dict[str, Any]) -> Any:
    """Return an object that is what a description says; None if it says nothing that is known."""
    if kind == "splitter" and name in _splitters():
        if not isinstance(arguments.get("cv", []), list):
            raise TypeError(f"{name} takes a list of splits")
        return _splitters()[name](**arguments)
    if kind == "scorer" and name == "score":
        return _PassthroughScorer(arguments["estimator"])
    if kind == "scorer" and name in sklearn.metrics.get_scorer_names():
        from estimators.metrics import get_scorer

        return get_scorer(name)
    if kind == "distribution" and _distribution(name) is not None:
        return _distribution(name)(*arguments["args"], **arguments["kwds"])
    return None


@functools.cache
def _splitters() -> dict[str, type]:
    """Scikit-learn's splitters, by name."""
    kinds = (_split.BaseCrossValidator, _split.BaseShuffleSplit, _split._RepeatedSplits)
    found = [each for each in vars(sklearn.model_selection).values() if isinstance(each, type)]
    found = [each for each in found if issubclass(each, kinds) and not inspect.isabstract(each)]
    return {each.__name__: each for each in (*found, _split._CVIterableWrapper)}


def _is_scorer(value: Any, name: str) -> bool:
    """Return whether a scorer is that of a name; its metric may be scikit-learn's, or this library's."""
    from estimators.metrics import get_scorer

    known = get_scorer(name), sklearn.metrics.get_scorer(name)
    own = (value._sign, value._kwargs, value._response_method)
    return any(
        value._score_func is each._score_func and own == (each._sign, each._kwargs, each._response_method)
        for each in known
    )


def _distribution(name: str) -> Any:
    """Return a distribution of SciPy, or None."""
    found = getattr(scipy.stats, name, None)
    return found if isinstance(found, (scipy.stats.rv_continuous, scipy.stats.rv_discrete)) else None
