"""Clusters that dsflow starts itself; each function returns a Dask cluster."""

from dsflow.clusters.local import LOG_LENGTH, MESSAGES_S, LocalCluster, start_local_cluster

__all__ = ["LOG_LENGTH", "MESSAGES_S", "LocalCluster", "start_local_cluster"]
