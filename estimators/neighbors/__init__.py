"""Nearest neighbors."""

from estimators.neighbors._classifier import KNeighborsClassifier
from estimators.neighbors._nearest import NearestNeighbors
from estimators.neighbors._regressor import KNeighborsRegressor

__all__ = ["KNeighborsClassifier", "KNeighborsRegressor", "NearestNeighbors"]
