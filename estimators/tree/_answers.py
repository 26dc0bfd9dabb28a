"""What fitted trees say of rows: each row of blocks is passed to scikit-learn's compiled trees, where it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

import dsarray as ds
from dsflow import share, task
from estimators._validation import check_weights, check_X, like_input

__all__ = ["ClassAnswers", "TreeAnswers", "counterpart_of", "to_writable"]


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

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the share of rows whose class is predicted right, or the coefficient of determination.

        Parameters
        ----------
        X : array_like, sparse matrix or Array of shape (n_samples, n_features)
        y : array_like or Array of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array_like or Array of shape (n_samples,), optional
        """
        if not isinstance(X, ds.Array):
            labels = y.collect() if isinstance(y, ds.Array) else y
            return float(super().score(X, labels, sample_weight))  # type: ignore[misc]  # of the class after this one
        predicted = self.predict(X)
        known = y if isinstance(y, ds.Array) else ds.array(np.asarray(y), block_size=-1)
        known = known.reshape(predicted.shape).rechunk(predicted.chunks)
        weights = check_weights(self, sample_weight, X.astype(float))
        columns = (slice(None), *(None,) * (predicted.ndim - 1))
        own = 1.0 if weights is None else weights[columns]
        if is_classifier(self):
            hits = predicted == known
            hits = hits.all(axis=1) if hits.ndim == 2 else hits
            return float(hits.mean() if weights is None else (hits * weights).sum() / weights.sum())
        total = X.shape[0] if weights is None else float(weights.sum())
        center = ((own * known).sum(axis=0) / total).collect()
        left = np.atleast_1d((own * (known - predicted) ** 2).sum(axis=0).collect())
        spread = np.atleast_1d((own * (known - center) ** 2).sum(axis=0).collect())
        scores = np.where(left > 0, 0.0, 1.0)
        return float((1 - np.divide(left, spread, out=1 - scores, where=spread > 0)).mean())

    def _answer(self, method: str, X: Any, pick: int | None = None, classes: Any = None) -> Any:
        """Return what a method gives, or one of the things that it gives, perhaps with other names of classes."""
        check_is_fitted(self)
        rows = check_X(self, X, reset=False, dtype=(np.float32,))
        twin = self._compiled()
        if classes is not None:
            twin.classes_ = classes
        probe = np.zeros((1, rows.shape[1]), dtype=np.float32)
        sample = _call(probe, twin, method, pick)
        if not isinstance(sample, (list, tuple)):
            blocks = ds.map_row_blocks(_call, rows, share(twin), method, pick)
            return like_input(X, _to_array(blocks, rows, sample))
        made = ds.defer_row_blocks(_call, rows, share(twin), method, pick)
        parts = zip(*[task(returns=len(sample))(_make)(each) for each in made], strict=True)
        return [like_input(X, _to_array(list(part), rows, each)) for part, each in zip(parts, sample, strict=True)]


class ClassAnswers(TreeAnswers):
    """Methods of fitted classifiers."""

    def predict(self, X: Any) -> Any:
        """Return the class of each row, as ndarray or Array of shape (n_samples,) or (n_samples, n_outputs) like X."""
        check_is_fitted(self)
        known = [self.classes_] if self.n_outputs_ == 1 else self.classes_
        if isinstance(X, ds.Array):
            typed = [np.array(each.tolist()) if each.dtype.kind == "O" else each for each in known]
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
