"""Support vector machines."""

from estimators.svm._cascade import CascadeSVM

__all__ = ["CascadeSVM"]
