"""Matrix decompositions."""

from estimators.decomposition._incremental_pca import IncrementalPCA
from estimators.decomposition._pca import PCA
from estimators.decomposition._truncated_svd import TruncatedSVD

__all__ = ["PCA", "IncrementalPCA", "TruncatedSVD"]
