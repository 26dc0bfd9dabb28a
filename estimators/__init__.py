"""Estimators with scikit-learn's contract, on arrays of any size. Rooms are named as scikit-learn's."""

from estimators._persistence import load, save
from estimators.cluster import KMeans
from estimators.impute import SimpleImputer
from estimators.linear_model import ElasticNet, Lasso, LinearRegression, LogisticRegression, Ridge
from estimators.preprocessing import (
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    StandardScaler,
)
from estimators.svm import CascadeSVM

__all__ = [
    "CascadeSVM",
    "ElasticNet",
    "KMeans",
    "Lasso",
    "LinearRegression",
    "LogisticRegression",
    "MinMaxScaler",
    "Normalizer",
    "OneHotEncoder",
    "OrdinalEncoder",
    "PolynomialFeatures",
    "Ridge",
    "SimpleImputer",
    "StandardScaler",
    "load",
    "save",
]
