"""Clustering."""

from estimators.cluster._daura import Daura
from estimators.cluster._dbscan import DBSCAN
from estimators.cluster._kmeans import KMeans
from estimators.cluster._mini_batch import MiniBatchKMeans

__all__ = ["DBSCAN", "Daura", "KMeans", "MiniBatchKMeans"]
