"""SimpleImputer learns and gives what scikit-learn's does, whatever the blocks and the engine."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn.impute
from sklearn.datasets import load_wine

import dsarray as ds
from dsflow.testing import forbid_compute
from estimators.impute import SimpleImputer

rng = np.random.default_rng(1)
WINE = load_wine().data[::3].round(1)
GAPS = np.where(rng.random(WINE.shape) < 0.2, np.nan, WINE)
GAPS[:, 3] = WINE[:, 3]
EMPTY = GAPS.copy()
EMPTY[:, 5] = np.nan
ZEROS = np.where(np.isnan(GAPS), 0, GAPS)
COUNTS = np.where(rng.random(WINE.shape) < 0.2, -1, WINE.astype(int))
STRATEGIES = ["mean", "median", "most_frequent", "constant"]

pytestmark = pytest.mark.filterwarnings("ignore:Skipping features without any observed values")


def assert_same(ours, theirs, X, cut):
    np.testing.assert_allclose(
        np.asarray(ours.statistics_, dtype=float), np.asarray(theirs.statistics_, dtype=float), rtol=1e-12
    )
    found, expected = ours.transform(cut), theirs.transform(X)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found.collect(), expected, rtol=1e-12)
    np.testing.assert_allclose(ours.transform(X), expected, rtol=1e-12)
    np.testing.assert_array_equal(ours.get_feature_names_out(), theirs.get_feature_names_out())


@pytest.mark.parametrize("block_size", [1, (20, 2)])
@pytest.mark.parametrize("parameters", [{}, {"add_indicator": True}, {"keep_empty_features": True}], ids=str)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_finds_and_gives_what_scikit_learn_does(strategy, parameters, block_size):
    for X in (GAPS, EMPTY):
        theirs = sklearn.impute.SimpleImputer(strategy=strategy, **parameters).fit(X)
        cut = ds.array(X, block_size=block_size)
        assert_same(SimpleImputer(strategy=strategy, **parameters).fit(cut), theirs, X, cut)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize(("X", "missing_values"), [(ZEROS, 0), (COUNTS, -1)], ids=["0", "-1 among ints"])
def test_other_values_may_be_missing(X, missing_values, strategy):
    parameters = {"missing_values": missing_values, "strategy": strategy, "add_indicator": True}
    theirs = sklearn.impute.SimpleImputer(**parameters).fit(X)
    cut = ds.array(X, block_size=40)
    assert_same(SimpleImputer(**parameters).fit(cut), theirs, X, cut)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_fit_to_an_ndarray_goes_by_blocks_too(strategy):
    theirs = sklearn.impute.SimpleImputer(strategy=strategy).fit(GAPS)
    with ds.config(block_size=7):
        ours = SimpleImputer(strategy=strategy).fit(GAPS)
    assert_same(ours, theirs, GAPS, ds.array(GAPS))


@pytest.mark.parametrize("strategy", ["mean", "constant"])
def test_sparse_rows_stay_sparse(strategy):
    X = scipy.sparse.csr_array(np.where(rng.random(GAPS.shape) < 0.5, GAPS, 0))
    theirs = sklearn.impute.SimpleImputer(strategy=strategy).fit(X)
    cut = ds.array(X, block_size=33)
    ours = SimpleImputer(strategy=strategy).fit(cut)
    np.testing.assert_allclose(ours.statistics_, theirs.statistics_)
    found = ours.transform(cut)
    assert found.sparse
    np.testing.assert_allclose(found.collect().toarray(), theirs.transform(X).toarray())


def test_what_was_filled_in_can_be_taken_out():
    cut = ds.array(GAPS, block_size=50)
    imputer = SimpleImputer(add_indicator=True).fit(cut)
    np.testing.assert_allclose(imputer.inverse_transform(imputer.transform(cut)).collect(), GAPS)


def test_data_frames_of_texts_and_callables_are_left_to_scikit_learn():
    frame = pd.DataFrame({"a": ["x", None, "x"], "b": ["u", "v", None]}, dtype=object)
    imputer = SimpleImputer(missing_values=None, strategy="most_frequent").fit(frame)
    assert imputer.transform(frame).tolist() == [["x", "u"], ["x", "v"], ["x", "u"]]
    np.testing.assert_allclose(SimpleImputer(strategy=np.max).fit(GAPS).statistics_, np.nanmax(GAPS, axis=0))


def test_engine_does_not_change_the_result(on_every_engine):
    found = SimpleImputer(strategy="median").fit_transform(ds.array(GAPS, block_size=50)).collect()
    np.testing.assert_allclose(found, sklearn.impute.SimpleImputer(strategy="median").fit_transform(GAPS))


def test_transform_computes_nothing_and_what_is_streamed_is_streamed(tmp_path):
    ds.to_zarr(ds.array(GAPS, block_size=50), tmp_path / "X.zarr")
    X = ds.from_zarr(tmp_path / "X.zarr")
    imputer = SimpleImputer().fit(X)
    with forbid_compute():
        filled = imputer.transform(X)
    assert filled.streamed
    np.testing.assert_allclose(filled.collect(), sklearn.impute.SimpleImputer().fit_transform(GAPS))


def test_errors_say_what_is_wrong():
    with pytest.raises(NotImplementedError, match="a callable strategy is not supported for an Array"):
        SimpleImputer(strategy=np.max).fit(ds.array(GAPS))
    with pytest.raises(NotImplementedError, match=r"'median' .* is not supported for sparse data"):
        SimpleImputer(strategy="median").fit(ds.array(scipy.sparse.eye_array(4)))
    with pytest.raises(ValueError, match="Input X contains NaN"):
        SimpleImputer(missing_values=0).fit(ds.array(GAPS, block_size=50))
