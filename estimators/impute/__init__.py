"""Filling in what is missing."""

from estimators.impute._simple import SimpleImputer

__all__ = ["SimpleImputer"]
