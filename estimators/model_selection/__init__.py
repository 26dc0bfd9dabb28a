"""Choosing among models: splits, searches and cross-validation. Splitters are scikit-learn's: they give positions."""

from sklearn.model_selection import (
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    ParameterGrid,
    ParameterSampler,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    StratifiedShuffleSplit,
    TimeSeriesSplit,
)

from estimators.model_selection._cross_predictions import cross_val_predict
from estimators.model_selection._cross_validation import cross_val_score, cross_validate
from estimators.model_selection._search import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
)
from estimators.model_selection._simulation import SimulationSearch
from estimators.model_selection._split import train_test_split

__all__ = [
    "GridSearchCV",
    "GroupKFold",
    "GroupShuffleSplit",
    "HalvingGridSearchCV",
    "HalvingRandomSearchCV",
    "KFold",
    "ParameterGrid",
    "ParameterSampler",
    "RandomizedSearchCV",
    "RepeatedKFold",
    "RepeatedStratifiedKFold",
    "ShuffleSplit",
    "SimulationSearch",
    "StratifiedGroupKFold",
    "StratifiedKFold",
    "StratifiedShuffleSplit",
    "TimeSeriesSplit",
    "cross_val_predict",
    "cross_val_score",
    "cross_validate",
    "train_test_split",
]
