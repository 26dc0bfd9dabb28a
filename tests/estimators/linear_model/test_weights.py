"""A weight of 2 is a row that is there twice, for all solvers and parameters that scikit-learn checks so."""

import numpy as np
import pytest
import scipy.sparse

import dsarray as ds
from estimators.linear_model import ElasticNet, Lasso, LinearRegression, LogisticRegression, Ridge
from estimators.preprocessing import StandardScaler

MODELS = [
    LinearRegression(),
    LinearRegression(positive=True),
    Ridge(alpha=0.1),
    Ridge(alpha=0.1, fit_intercept=False),
    Ridge(alpha=0.1, positive=True, tol=1e-12),
    Lasso(alpha=0.01, tol=1e-12),
    ElasticNet(alpha=0.01, tol=1e-12),
    LogisticRegression(tol=1e-9),
    LogisticRegression(tol=1e-9, class_weight="balanced"),
    LogisticRegression(tol=1e-9, solver="newton-cholesky"),
    LogisticRegression(tol=1e-9, solver="newton-cg", fit_intercept=False),
    LogisticRegression(tol=1e-9, solver="saga", l1_ratio=0.5),
    StandardScaler(with_mean=False),
]


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("model", MODELS, ids=str)
def test_weights_are_repetitions(model, sparse):
    rng = np.random.default_rng(0)
    X, weights = rng.standard_normal((60, 5)), rng.integers(0, 4, 60)
    y = (X @ [1, 2, 0, -1, 0.5] + rng.standard_normal(60) > 0).astype(int)
    if sparse and not getattr(model, "positive", False):
        X = scipy.sparse.csr_array(np.where(abs(X) > 0.5, X, 0))
    repeated = np.repeat(np.arange(60), weights)
    weighted = vars(model.fit(ds.array(X, block_size=13), y, sample_weight=ds.array(weights.astype(float)))).copy()
    model.fit(ds.array(X[repeated], block_size=17), y[repeated])
    for name in ("coef_", "intercept_", "scale_", "var_"):
        if name in weighted:
            np.testing.assert_allclose(weighted[name], getattr(model, name), rtol=1e-6, atol=1e-8)
