"""Random arrays: ``rng = ds.random.default_rng(seed)``, with the methods of NumPy's generators."""

from dsarray.random._generator import Generator, default_rng

__all__ = ["Generator", "default_rng"]
