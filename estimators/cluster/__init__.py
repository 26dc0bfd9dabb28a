"""Clustering."""

from estimators.cluster._kmeans import KMeans

__all__ = ["KMeans"]
