"""What linear models make of rows: one task for each row of blocks, which gives a number for each row and target."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

import dsarray as ds
from dsflow import share
from estimators._validation import check_X, map_rows, rows_to_array
from estimators.metrics import DeterminationScore

__all__ = ["BlockwiseRegression", "decide"]


class BlockwiseRegression(DeterminationScore):
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


def decide(rows: Any, coef: Any, intercept: Any) -> Any:
    """Return the linear function of each row, of shape (n_rows,) or (n_rows, n_outputs) as ``coef`` is."""
    xp = ds.namespace(rows)
    return rows @ xp.asarray(coef).T + xp.asarray(intercept, dtype=coef.dtype)
