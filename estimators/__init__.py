"""Estimators with scikit-learn's contract, on arrays of any size."""

from estimators._persistence import load, save

__all__ = ["ROOMS", "load", "save"]

ROOMS = ("cluster", "svm")
"""The modules with estimators, named as scikit-learn's."""
