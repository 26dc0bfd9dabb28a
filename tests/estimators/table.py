"""The table of estimators that the laws are tested over. An estimator joins with one line."""

from importlib.util import find_spec
from typing import Any, NamedTuple

import sklearn.cluster
import sklearn.decomposition
import sklearn.ensemble
import sklearn.impute
import sklearn.linear_model
import sklearn.mixture
import sklearn.neighbors
import sklearn.preprocessing
import sklearn.svm
import sklearn.tree

from estimators.cluster import DBSCAN, KMeans, MiniBatchKMeans
from estimators.decomposition import PCA, IncrementalPCA, TruncatedSVD
from estimators.ensemble import RandomForestClassifier, RandomForestRegressor
from estimators.impute import SimpleImputer
from estimators.linear_model import ElasticNet, Lasso, LinearRegression, LogisticRegression, Ridge
from estimators.mixture import GaussianMixture
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
from estimators.svm import CascadeSVM, CascadeSVR
from estimators.tree import DecisionTreeClassifier, DecisionTreeRegressor


class Row(NamedTuple):
    estimator: Any
    """With parameters that make it quick."""
    counterpart: Any
    """Scikit-learn's, with the same parameters; None if there is none."""
    fails: frozenset[str] = frozenset()
    """Checks that the counterpart fails, so that the estimator may."""
    lacks: frozenset[str] = frozenset()
    """Parameters of the counterpart that scikit-learn is going to remove, or that mean nothing here."""
    rtol: float = 1e-6
    """How far numbers may differ for other blocks and engines; labels may differ for one row in ten."""


WEIGHTS_ARE_REPETITIONS = frozenset(
    {"check_sample_weight_equivalence_on_dense_data", "check_sample_weight_equivalence_on_sparse_data"}
)

_KMEANS = {"n_clusters": 2, "n_init": 2, "max_iter": 5}
_MINI_BATCH = {"n_clusters": 2, "n_init": 2, "max_iter": 5, "batch_size": 20}

_TREES = {"n_estimators": 5}
_FORESTS = [
    Row(kind(**_TREES, local_rows=local_rows), counterpart(**_TREES), WEIGHTS_ARE_REPETITIONS)
    for kind, counterpart in (
        (RandomForestClassifier, sklearn.ensemble.RandomForestClassifier),
        (RandomForestRegressor, sklearn.ensemble.RandomForestRegressor),
    )
    for local_rows in (None, 8)
]
"""Once with all rows in one task, and once in many."""

_NETWORKS = [
    Row(kind(learning_rate_init=0.03, max_iter=20, local_rows=local_rows), None)
    for kind in (TorchClassifier, TorchRegressor)
    for local_rows in (8, None)
    if find_spec("torch")
]

TABLE = [
    Row(DBSCAN(), sklearn.cluster.DBSCAN()),
    Row(KMeans(**_KMEANS), sklearn.cluster.KMeans(**_KMEANS), WEIGHTS_ARE_REPETITIONS),
    Row(CascadeSVM(), sklearn.svm.SVC(), WEIGHTS_ARE_REPETITIONS, lacks=frozenset({"probability"}), rtol=1e-2),
    Row(CascadeSVR(), sklearn.svm.SVR(), WEIGHTS_ARE_REPETITIONS, rtol=1e-2),
    Row(MiniBatchKMeans(**_MINI_BATCH), sklearn.cluster.MiniBatchKMeans(**_MINI_BATCH), WEIGHTS_ARE_REPETITIONS),
    Row(GaussianMixture(2), sklearn.mixture.GaussianMixture(2)),
    Row(IncrementalPCA(batch_size=10), sklearn.decomposition.IncrementalPCA(batch_size=10)),
    Row(PCA(), sklearn.decomposition.PCA()),
    Row(TruncatedSVD(), sklearn.decomposition.TruncatedSVD()),
    Row(ElasticNet(), sklearn.linear_model.ElasticNet()),
    Row(Lasso(), sklearn.linear_model.Lasso()),
    Row(LinearRegression(), sklearn.linear_model.LinearRegression()),
    Row(LogisticRegression(), sklearn.linear_model.LogisticRegression()),
    Row(Ridge(), sklearn.linear_model.Ridge()),
    Row(KNeighborsClassifier(), sklearn.neighbors.KNeighborsClassifier()),
    Row(KNeighborsRegressor(), sklearn.neighbors.KNeighborsRegressor()),
    Row(NearestNeighbors(), sklearn.neighbors.NearestNeighbors()),
    Row(MinMaxScaler(), sklearn.preprocessing.MinMaxScaler()),
    Row(Normalizer(), sklearn.preprocessing.Normalizer()),
    Row(OneHotEncoder(handle_unknown="ignore"), sklearn.preprocessing.OneHotEncoder(handle_unknown="ignore")),
    Row(OrdinalEncoder(), sklearn.preprocessing.OrdinalEncoder()),
    Row(PolynomialFeatures(), sklearn.preprocessing.PolynomialFeatures()),
    Row(SimpleImputer(), sklearn.impute.SimpleImputer()),
    Row(StandardScaler(), sklearn.preprocessing.StandardScaler()),
    Row(DecisionTreeClassifier(), sklearn.tree.DecisionTreeClassifier()),
    Row(DecisionTreeRegressor(), sklearn.tree.DecisionTreeRegressor()),
    *_FORESTS,
    *_NETWORKS,
]
