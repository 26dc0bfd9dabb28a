"""Forests of trees."""

from estimators.ensemble._random_forest import RandomForestClassifier, RandomForestRegressor

__all__ = ["RandomForestClassifier", "RandomForestRegressor"]
