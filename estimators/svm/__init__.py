"""Support vector machines."""

from estimators.svm._cascade import CascadeSVM
from estimators.svm._cascade_regressor import CascadeSVR

__all__ = ["CascadeSVM", "CascadeSVR"]
