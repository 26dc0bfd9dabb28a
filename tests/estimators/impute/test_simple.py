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


def sparse_rows(dtype):
    X = np.where(rng.random(GAPS.shape) < 0.5, GAPS, 0).astype(dtype)
    X[:, 1] = np.where(X[:, 1] == 0, 0, np.nan)  # all that is stored is missing
    X[:, 2], X[:, 4] = 0, np.nan
    X[:, 6] -= 13  # below zero
    X = scipy.sparse.csr_array(X)
    X.data[rng.random(X.nnz) < 0.1] = 0  # zeros may be stored
    return X


@pytest.mark.parametrize("parameters", [{}, {"add_indicator": True}, {"keep_empty_features": True}], ids=str)
@pytest.mark.parametrize("block_size", [None, 1, 33])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_sparse_rows_stay_sparse(strategy, dtype, block_size, parameters):
    X = sparse_rows(dtype)
    theirs = sklearn.impute.SimpleImputer(strategy=strategy, **parameters).fit(X)
    given = X if block_size is None else ds.array(X, block_size=block_size)
    ours = SimpleImputer(strategy=strategy, **parameters).fit(given)
    assert ours.statistics_.dtype == theirs.statistics_.dtype
    np.testing.assert_allclose(ours.statistics_, theirs.statistics_, rtol=1e-6)
    found, expected = ours.transform(given), theirs.transform(X)
    found = found.collect() if block_size else found
    assert scipy.sparse.issparse(found)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found.toarray(), expected.toarray(), rtol=1e-6)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_other_values_may_be_missing_of_sparse_rows(strategy):
    X = scipy.sparse.csr_array(np.where(rng.random(COUNTS.shape) < 0.5, COUNTS, 0))
    parameters = {"missing_values": -1, "strategy": strategy}
    theirs = sklearn.impute.SimpleImputer(**parameters).fit(X)
    ours = SimpleImputer(**parameters).fit(ds.array(X, block_size=20))
    np.testing.assert_array_equal(ours.statistics_, theirs.statistics_)


@pytest.mark.parametrize("strategy", ["mean", "median"])
def test_statistics_of_float32_have_the_type_of_scikit_learn(strategy):
    X = GAPS.astype(np.float32)
    theirs = sklearn.impute.SimpleImputer(strategy=strategy).fit(X)
    ours = SimpleImputer(strategy=strategy).fit(ds.array(X, block_size=20))
    assert ours.statistics_.dtype == theirs.statistics_.dtype
    assert ours.transform(ds.array(X)).dtype == np.float32


def test_what_was_filled_in_can_be_taken_out():
    cut = ds.array(GAPS, block_size=50)
    imputer = SimpleImputer(add_indicator=True).fit(cut)
    np.testing.assert_allclose(imputer.inverse_transform(imputer.transform(cut)).collect(), GAPS)


@pytest.mark.parametrize("parameters", [{}, {"keep_empty_features": True}, {"strategy": "constant"}], ids=str)
@pytest.mark.parametrize("X", [GAPS, EMPTY], ids=["some", "a whole feature"])
def test_blocks_in_which_a_feature_is_missing_throughout_can_be_taken_back(X, parameters):
    imputer = SimpleImputer(add_indicator=True, **parameters).fit(X)
    filled = imputer.transform(X)
    back = imputer.inverse_transform(ds.array(filled, block_size=1))
    np.testing.assert_allclose(back.collect(), X)
    np.testing.assert_allclose(imputer.inverse_transform(filled), X)
    np.testing.assert_allclose(imputer.inverse_transform(filled[:1]), X[:1])


def test_data_frames_of_texts_and_callables_are_left_to_scikit_learn():
    frame = pd.DataFrame({"a": ["x", None, "x"], "b": ["u", "v", None]}, dtype=object)
    imputer = SimpleImputer(missing_values=None, strategy="most_frequent").fit(frame)
    assert imputer.transform(frame).tolist() == [["x", "u"], ["x", "v"], ["x", "u"]]
    np.testing.assert_allclose(SimpleImputer(strategy=np.max).fit(GAPS).statistics_, np.nanmax(GAPS, axis=0))


def test_engine_does_not_change_the_result(on_every_engine):
    found = SimpleImputer(strategy="median").fit_transform(ds.array(GAPS, block_size=50)).collect()
    np.testing.assert_allclose(found, sklearn.impute.SimpleImputer(strategy="median").fit_transform(GAPS))
    X = sparse_rows(np.float64)
    theirs = sklearn.impute.SimpleImputer(strategy="most_frequent").fit(X)
    ours = SimpleImputer(strategy="most_frequent").fit(ds.array(X, block_size=20))
    np.testing.assert_array_equal(ours.statistics_, theirs.statistics_)


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
    with pytest.raises(ValueError, match="missing_values == 0 and input is sparse"):
        SimpleImputer(missing_values=0).fit(ds.array(scipy.sparse.eye_array(4)))
    with pytest.raises(ValueError, match="Input X contains NaN"):
        SimpleImputer(missing_values=0).fit(ds.array(GAPS, block_size=50))


def test_errors_of_taking_out_say_what_is_wrong():
    imputer = SimpleImputer(add_indicator=True).fit(GAPS)
    with pytest.raises(ValueError, match=r"X has shape .* but `transform` gives 13 features and 12 that say"):
        imputer.inverse_transform(ds.array(GAPS))
    with pytest.raises(TypeError, match="sparse data is not supported"):
        imputer.inverse_transform(ds.array(scipy.sparse.eye_array(25)))
    with pytest.raises(ValueError, match="works only when 'SimpleImputer' is instantiated with 'add_indicator=True'"):
        SimpleImputer().fit(GAPS).inverse_transform(ds.array(GAPS))
