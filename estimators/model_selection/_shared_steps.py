"""The leading steps that pipelines of a search have in common: fitted once on each split, not once for each candidate.

Candidates differ in the parameters that they name. Steps are the same for two of them if they set the same values for
these steps and for all steps before. Only a scorer that looks at predictions alone can do without the leading steps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.base import clone
from sklearn.callback import CallbackContext
from sklearn.pipeline import Pipeline

from estimators.model_selection._callbacks import take_along

__all__ = ["Candidate", "make_candidates"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An estimator to evaluate, and what comes before it."""

    estimator: Any
    """All of it, or what follows the steps that are shared."""
    steps: tuple[tuple[Hashable, Any], ...] = ()
    """Transformers, each with a key that is the same for candidates that share it."""
    contexts: tuple[CallbackContext | None, ...] = ()
    """What its fit on each split is to callbacks, if there are any."""

    def on_split(self, number: int) -> Any:
        """Return the estimator as it goes to the task of a split."""
        return take_along(self.estimator, self.contexts[number]) if self.contexts else self.estimator


def make_candidates(estimator: Any, parameters: Sequence[dict[str, Any]], *, may_share: bool) -> list[Candidate]:
    """Return candidates, one for each dict of parameters."""
    made = [clone(estimator).set_params(**clone(each, safe=False)) for each in parameters]
    if not (may_share and _has_shareable_steps(estimator, parameters)):
        return [Candidate(each) for each in made]
    keys = [_keys_of(pipeline, each) for pipeline, each in zip(made, parameters, strict=True)]
    n_users = Counter(key for each in keys for key in each)
    return [
        _cut(pipeline, [key for key in each if n_users[key] > 1]) for pipeline, each in zip(made, keys, strict=True)
    ]


def _has_shareable_steps(estimator: Any, parameters: Sequence[dict[str, Any]]) -> bool:
    if type(estimator) is not Pipeline or estimator.memory is not None or estimator.transform_input is not None:
        return False
    names = {name for name, _ in estimator.steps}
    return all(key.partition("__")[0] in names for each in parameters for key in each)


def _keys_of(pipeline: Pipeline, parameters: dict[str, Any]) -> list[Hashable]:
    """Return a key for each step but the last one: what was set for it and for the steps before it.

    Values are told apart by identity, which the list of candidates keeps.
    """
    keys: list[Hashable] = []
    for name, _ in pipeline.steps[:-1]:
        mine = frozenset((key, id(value)) for key, value in parameters.items() if key.partition("__")[0] == name)
        keys.append((keys[-1] if keys else None, mine))
    return keys


def _cut(pipeline: Pipeline, keys: Sequence[Hashable]) -> Candidate:
    n_shared = len(keys)
    rest = pipeline.steps[n_shared:]
    last = rest[0][1]
    if len(rest) > 1 or last is None or isinstance(last, str):
        last = Pipeline(rest)
    transformers = zip(keys, (step for _, step in pipeline.steps[:n_shared]), strict=True)
    return Candidate(last, tuple((key, step) for key, step in transformers if not _passes(step)))


def _passes(step: Any) -> bool:
    return step is None or isinstance(step, str)
