"""Clusters that dsflow starts itself; each function returns a Dask cluster."""

from dsflow.clusters.local import LocalCluster, start_local_cluster

__all__ = ["LocalCluster", "start_local_cluster"]
