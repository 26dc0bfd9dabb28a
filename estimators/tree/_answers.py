"""What fitted trees say of rows: each row of blocks is passed to scikit-learn's compiled trees, where it is.

Few rows that are in the main program are answered there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
from sklearn.utils.validation import check_is_fitted

import dsarray as ds
from dsflow import share, task
from estimators._targets import unbox
from estimators._validation import check_X, like_input
from estimators.metrics import AccuracyScore

__all__ = ["ClassAnswers", "TreeAnswers", "counterpart_of", "to_writable"]

_FEW_BLOCKS = 2
"""Up to so many blocks of rows in the main program, it takes longer to pass trees to tasks than to ask them here."""


class TreeAnswers:
    """Methods of fitted trees and forests, for rows of any kind."""

    classes_: Any
    n_classes_: Any
    n_outputs_: int
    n_features_in_: int

    def _compiled(self) -> Any:
        """Return scikit-learn's estimator that has learned the same."""
        raise NotImplementedError

    def predict(self, X: Any) -> Any:
        """Return the class or number that is expected of each row.

        Parameters
        ----------
        X : array_like, sparse matrix or Array of shape (n_samples, n_features)

        Returns
        -------
        ndarray or Array of shape (n_samples,) or (n_samples, n_outputs)
            An Array if ``X`` is one.
        """
        return self._answer("predict", X)

    def apply(self, X: Any) -> Any:
        """Return the number of the leaf that each row is in, with a column for each tree of a forest."""
        return self._answer("apply", X)

    def _answer(self, method: str, X: Any, pick: int | None = None, classes: Any = None) -> Any:
        """Return what a method gives, or one of the things that it gives, perhaps with other names of classes."""
        check_is_fitted(self)
        rows = check_X(self, X, reset=False, dtype=(np.float32,))
        twin = self._compiled()
        if classes is not None:
            twin.classes_ = classes
        if not isinstance(X, ds.Array) and rows.grid[0] <= _FEW_BLOCKS:
            return _call(rows.collect(), twin, method, pick)
        probe = np.zeros((1, rows.shape[1]), dtype=np.float32)
        sample = _call(probe, twin, method, pick)
        if not isinstance(sample, (list, tuple)):
            blocks = ds.map_row_blocks(_call, rows, share(twin), method, pick)
            return like_input(X, _to_array(blocks, rows, sample))
        made = ds.defer_row_blocks(_call, rows, share(twin), method, pick)
        parts = zip(*[task(returns=len(sample))(_make)(each) for each in made], strict=True)
        return [like_input(X, _to_array(list(part), rows, each)) for part, each in zip(parts, sample, strict=True)]


class ClassAnswers(AccuracyScore, TreeAnswers):
    """Methods of fitted classifiers."""

    def predict(self, X: Any) -> Any:
        """Return the class of each row, as ndarray or Array of shape (n_samples,) or (n_samples, n_outputs) like X."""
        check_is_fitted(self)
        known = [self.classes_] if self.n_outputs_ == 1 else self.classes_
        if isinstance(X, ds.Array):
            typed = list(map(unbox, known))
            return self._answer("predict", X, classes=typed[0] if self.n_outputs_ == 1 else typed)
        numbers = [np.arange(len(each)) for each in known]
        codes = self._answer("predict", X, classes=numbers[0] if self.n_outputs_ == 1 else numbers)
        if self.n_outputs_ == 1:
            return self.classes_.take(codes)
        return np.stack([each.take(column) for each, column in zip(known, codes.T, strict=True)], axis=1)

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class.

        Parameters
        ----------
        X : array_like, sparse matrix or Array of shape (n_samples, n_features)

        Returns
        -------
        ndarray or Array of shape (n_samples, n_classes), or a list of one for each output
        """
        return self._answer("predict_proba", X)

    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithms of `predict_proba`."""
        return self._answer("predict_log_proba", X)


def counterpart_of(model: Any, **parameters: Any) -> Any:
    """Return scikit-learn's estimator with the parameters of a model, but for some."""
    kind = next(each for each in type(model).__mro__ if each.__module__.startswith("sklearn."))
    known = kind().get_params()
    own = {name: value for name, value in model.get_params(deep=False).items() if name in known}
    if "n_jobs" in own:
        own |= {"n_jobs": None, "verbose": 0}
    return kind(**own | parameters)


def to_writable(rows: Any) -> Any:
    """Return rows for scikit-learn, which looks for infinity beside NaN in arrays that it may write to only."""
    host = ds.to_host(rows)
    if scipy.sparse.issparse(host) or np.isfinite(host.sum(dtype=float)):
        return host
    return np.array(host)


def _to_array(blocks: list[Any], rows: ds.Array, sample: Any) -> ds.Array:
    if sample.ndim == 1:
        return ds.from_blocks(blocks, rows.chunks[:1], sample.dtype)
    chunks = (rows.chunks[0], sample.shape[1:])
    return ds.from_blocks([[block] for block in blocks], chunks, sample.dtype, sparse=scipy.sparse.issparse(sample))


def _call(rows: Any, twin: Any, method: str, pick: int | None) -> Any:
    """Return what a method gives for rows, of which there may be none."""
    some = to_writable(rows) if rows.shape[0] else np.zeros((1, rows.shape[1]), dtype=np.float32)
    found = getattr(twin, method)(some)
    found = found if pick is None else found[pick]
    if rows.shape[0]:
        return found
    return [each[:0] for each in found] if isinstance(found, list) else found[:0]


def _make(answer: ds.Deferred) -> Any:
    return tuple(answer.make())
