"""The Dask engine: the only package that submits to Dask."""

from dsflow.engines.dask._engine import DaskEngine
from dsflow.engines.dask._start import active_client, start_engine

__all__ = ["DaskEngine", "active_client", "start_engine"]
