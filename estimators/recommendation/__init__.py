"""Recommendation."""

from estimators.recommendation._als import ALS

__all__ = ["ALS"]
