"""Estimators with scikit-learn's contract, on arrays of any size. Rooms are named as scikit-learn's."""

from estimators._persistence import load, save
from estimators.cluster import DBSCAN, Daura, KMeans, MiniBatchKMeans
from estimators.decomposition import PCA, IncrementalPCA, TruncatedSVD
from estimators.ensemble import RandomForestClassifier, RandomForestRegressor
from estimators.impute import SimpleImputer
from estimators.linear_model import ElasticNet, Lasso, LinearRegression, LogisticRegression, Ridge
from estimators.mixture import GaussianMixture
from estimators.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    SimulationSearch,
)
from estimators.neighbors import KNeighborsClassifier, KNeighborsRegressor, NearestNeighbors
from estimators.neural import TorchClassifier, TorchRegressor
from estimators.preprocessing import (
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    StandardScaler,
)
from estimators.recommendation import ALS
from estimators.svm import CascadeSVM, CascadeSVR
from estimators.tree import DecisionTreeClassifier, DecisionTreeRegressor

__all__ = [
    "ALS",
    "DBSCAN",
    "PCA",
    "CascadeSVM",
    "CascadeSVR",
    "Daura",
    "DecisionTreeClassifier",
    "DecisionTreeRegressor",
    "ElasticNet",
    "GaussianMixture",
    "GridSearchCV",
    "HalvingGridSearchCV",
    "HalvingRandomSearchCV",
    "IncrementalPCA",
    "KMeans",
    "KNeighborsClassifier",
    "KNeighborsRegressor",
    "Lasso",
    "LinearRegression",
    "LogisticRegression",
    "MinMaxScaler",
    "MiniBatchKMeans",
    "NearestNeighbors",
    "Normalizer",
    "OneHotEncoder",
    "OrdinalEncoder",
    "PolynomialFeatures",
    "RandomForestClassifier",
    "RandomForestRegressor",
    "RandomizedSearchCV",
    "Ridge",
    "SimpleImputer",
    "SimulationSearch",
    "StandardScaler",
    "TorchClassifier",
    "TorchRegressor",
    "TruncatedSVD",
    "load",
    "save",
]
