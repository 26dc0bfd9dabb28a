"""Blocked arrays with NumPy's meaning: ``import dsarray as ds``."""

__all__: list[str] = []
