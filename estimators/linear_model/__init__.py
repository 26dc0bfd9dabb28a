"""Linear models."""

from estimators.linear_model._elastic_net import ElasticNet, Lasso
from estimators.linear_model._linear_regression import LinearRegression
from estimators.linear_model._logistic import LogisticRegression
from estimators.linear_model._ridge import Ridge

__all__ = ["ElasticNet", "Lasso", "LinearRegression", "LogisticRegression", "Ridge"]
