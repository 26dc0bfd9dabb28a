"""What linear models make of rows: one task for each row of blocks, which gives a number for each row and target."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

import dsarray as ds
from dsflow import share, wait_on
from estimators._moments import Moments, add_moments, sum_moments
from estimators._validation import check_weights, check_X, map_rows, rows_to_array
from estimators.linear_model._responses import check_responses

__all__ = ["BlockwiseRegression", "decide"]


class BlockwiseRegression:
    """Methods of regressions with ``coef_`` and ``intercept_`` for Arrays.

    Rows that are in the main program are left to the next class, which is scikit-learn's: that is quicker than to pass
    them on.
    """

    coef_: Any
    intercept_: Any

    def predict(self, X: Any) -> Any:
        """Return what is expected for each row.

        Parameters
        ----------
        X : array_like, sparse matrix or Array of shape (n_samples, n_features)

        Returns
        -------
        ndarray or Array of shape (n_samples,) or (n_samples, n_targets)
            An Array if ``X`` is one.
        """
        if not isinstance(X, ds.Array):
            return super().predict(X)
        check_is_fitted(self)
        rows = check_X(self, X, reset=False)
        predicted = map_rows(self, decide, rows, share(self.coef_), self.intercept_)
        dtype = np.result_type(rows.dtype, self.coef_.dtype)
        n_columns = None if self.coef_.ndim == 1 else len(self.coef_)
        return rows_to_array(predicted, rows, dtype, n_columns)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the coefficient of determination, averaged over targets.

        Parameters
        ----------
        X : array_like, sparse matrix or Array of shape (n_samples, n_features)
        y : array_like or Array of shape (n_samples,) or (n_samples, n_targets)
        sample_weight : array_like or Array of shape (n_samples,), optional
        """
        check_is_fitted(self)
        rows = check_X(self, X, reset=False)
        (responses, _), weights = check_responses(self, y, rows), check_weights(self, sample_weight, rows)
        n_targets = responses.shape[1]
        parts = map_rows(self, _measure_residuals, rows, responses, weights, share(self.coef_), self.intercept_)
        found: Moments = wait_on(ds.tree_reduce(add_moments, parts))
        squares, bias = found.scatter.diagonal(), found.mean[:n_targets]
        left, all_of_it = squares[:n_targets] + found.weight * bias**2, squares[n_targets:]
        scores = np.where(left > 0, 0.0, 1.0)
        np.divide(left, all_of_it, out=scores, where=all_of_it > 0)
        return float(np.where(all_of_it > 0, 1 - scores, scores).mean())


def decide(rows: Any, coef: Any, intercept: Any) -> Any:
    """Return the linear function of each row, of shape (n_rows,) or (n_rows, n_outputs) as ``coef`` is."""
    xp = ds.namespace(rows)
    return rows @ xp.asarray(coef).T + xp.asarray(intercept, dtype=coef.dtype)


def _measure_residuals(rows: Any, responses: Any, weights: Any, coef: Any, intercept: Any) -> Moments:
    residuals = responses - decide(rows, coef, intercept).reshape(responses.shape)
    return sum_moments(residuals, responses, weights)
