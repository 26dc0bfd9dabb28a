"""Estimators with scikit-learn's contract, on arrays of any size."""

__all__: list[str] = []
