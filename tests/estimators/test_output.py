"""What comes of a ds-array stays in blocks, whatever containers users ask for; other results are in these."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.pipeline import make_pipeline

import dsarray as ds
from dsflow.testing import forbid_compute
from estimators import (
    PCA,
    IncrementalPCA,
    KMeans,
    MiniBatchKMeans,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    SimpleImputer,
    StandardScaler,
    TruncatedSVD,
)

X = np.random.default_rng(0).integers(0, 3, (30, 4)).astype(float)
TRANSFORMERS = [
    IncrementalPCA(2),
    KMeans(2, random_state=0),
    MinMaxScaler(),
    MiniBatchKMeans(2, random_state=0),
    Normalizer(),
    OneHotEncoder(sparse_output=False),
    OrdinalEncoder(),
    PCA(2),
    PolynomialFeatures(),
    SimpleImputer(),
    StandardScaler(),
    TruncatedSVD(2),
]


@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=lambda each: type(each).__name__)
def test_containers_are_for_what_is_here(transformer):
    x = ds.array(X, block_size=7)
    plain = transformer.fit_transform(X)
    with sklearn.config_context(transform_output="pandas"):
        for given, kind in ((x, ds.Array), (X, pd.DataFrame)):
            found = transformer.fit_transform(given)
            assert isinstance(found, kind)
            assert isinstance(transformer.transform(given), kind)
            np.testing.assert_allclose(np.asarray(found), plain, atol=1e-9)


def test_a_pipeline_with_containers_does_not_gather():
    x = ds.array(X, block_size=7)
    pipeline = make_pipeline(StandardScaler(), PCA(2)).set_output(transform="pandas").fit(x)
    scaler = StandardScaler().set_output(transform="polars").fit(X)
    with forbid_compute():
        found = scaler.transform(x)
    assert isinstance(found, ds.Array)
    assert pipeline.transform(x).n_blocks == 5
