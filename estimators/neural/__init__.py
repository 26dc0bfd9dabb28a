"""Neural networks: PyTorch modules trained where the rows are. PyTorch is imported when a module is needed."""

from estimators.neural._classifier import TorchClassifier
from estimators.neural._regressor import TorchRegressor

__all__ = ["TorchClassifier", "TorchRegressor"]
