"""The table of estimators that the laws are tested over. An estimator joins with one line."""

from typing import Any, NamedTuple

import sklearn.cluster
import sklearn.impute
import sklearn.linear_model
import sklearn.preprocessing
import sklearn.svm

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

TABLE = [
    Row(KMeans(**_KMEANS), sklearn.cluster.KMeans(**_KMEANS), WEIGHTS_ARE_REPETITIONS),
    Row(CascadeSVM(), sklearn.svm.SVC(), WEIGHTS_ARE_REPETITIONS, lacks=frozenset({"probability"}), rtol=1e-2),
    Row(ElasticNet(), sklearn.linear_model.ElasticNet()),
    Row(Lasso(), sklearn.linear_model.Lasso()),
    Row(LinearRegression(), sklearn.linear_model.LinearRegression()),
    Row(LogisticRegression(), sklearn.linear_model.LogisticRegression()),
    Row(Ridge(), sklearn.linear_model.Ridge()),
    Row(MinMaxScaler(), sklearn.preprocessing.MinMaxScaler()),
    Row(Normalizer(), sklearn.preprocessing.Normalizer()),
    Row(OneHotEncoder(handle_unknown="ignore"), sklearn.preprocessing.OneHotEncoder(handle_unknown="ignore")),
    Row(OrdinalEncoder(), sklearn.preprocessing.OrdinalEncoder()),
    Row(PolynomialFeatures(), sklearn.preprocessing.PolynomialFeatures()),
    Row(SimpleImputer(), sklearn.impute.SimpleImputer()),
    Row(StandardScaler(), sklearn.preprocessing.StandardScaler()),
]
