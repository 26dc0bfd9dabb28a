"""Mixtures of distributions."""

from estimators.mixture._gaussian_mixture import GaussianMixture

__all__ = ["GaussianMixture"]
