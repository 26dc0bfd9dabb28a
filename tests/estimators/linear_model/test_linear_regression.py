"""LinearRegression finds what scikit-learn's does, whatever the blocks and the engine."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn.linear_model
from sklearn.datasets import load_diabetes

import dsarray as ds
from estimators.linear_model import LinearRegression

X, y = load_diabetes(return_X_y=True)
BOTH = np.column_stack([y, X[:, 0] + y**0.5])
WEIGHTS = np.random.default_rng(0).integers(0, 3, len(y)).astype(float)
PARAMETERS = [{}, {"fit_intercept": False}, {"positive": True}]


def assert_same(ours, theirs, rtol=1e-8):
    for name in ("coef_", "intercept_"):
        expected, found = getattr(theirs, name), getattr(ours, name)
        assert np.shape(found) == np.shape(expected)
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * np.abs(expected).max())


@pytest.mark.parametrize("block_size", [40, (200, 3), -1])
@pytest.mark.parametrize("sample_weight", [None, WEIGHTS], ids=["", "weighted"])
@pytest.mark.parametrize("targets", [y, y[:, None], BOTH], ids=["1-D", "a column", "two"])
@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_finds_and_predicts_what_scikit_learn_does(parameters, targets, sample_weight, block_size):
    theirs = sklearn.linear_model.LinearRegression(**parameters).fit(X, targets, sample_weight)
    cut = ds.array(X, block_size=block_size)
    ours = LinearRegression(**parameters).fit(cut, ds.array(targets, block_size=90), sample_weight)
    assert_same(ours, theirs)
    np.testing.assert_allclose(ours.predict(cut).collect(), theirs.predict(X))
    assert ours.score(cut, targets, sample_weight) == pytest.approx(theirs.score(X, targets, sample_weight))
    if not ours.positive:
        assert ours.rank_ == theirs.rank_
        np.testing.assert_allclose(ours.singular_, theirs.singular_, rtol=1e-6)


def test_few_rows_and_features_that_depend_on_each_other_get_the_smallest_coefficients():
    wide = np.column_stack([X, X[:, :3] @ [[1.0], [2.0], [3.0]], X[:, 0] * 1000])
    for rows, targets in ((wide, y), (wide[:5], y[:5]), (wide[:1], y[:1])):
        theirs = sklearn.linear_model.LinearRegression().fit(rows, targets)
        ours = LinearRegression().fit(ds.array(rows, block_size=40), targets)
        assert_same(ours, theirs, rtol=1e-5)
        assert ours.rank_ == theirs.rank_
        assert ours.singular_.shape == theirs.singular_.shape


def test_units_and_distance_from_the_origin_do_no_harm():
    units = 10.0 ** np.arange(-3, 2, 0.5)
    far = X * units + 1e3
    theirs = sklearn.linear_model.LinearRegression(tol=1e-12).fit(far, y)
    ours = LinearRegression(tol=1e-12).fit(ds.array(far, block_size=100), y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-6)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_positive_coefficients_of_features_that_depend_on_each_other_in_any_units(fit_intercept):
    wide = np.column_stack([X, X[:, :2] @ [[1.0], [2.0]], X[:, 3] / 3, 0.1 - 2 * X[:, 2]]) * 10.0 ** np.r_[-6:7]
    parameters = {"positive": True, "fit_intercept": fit_intercept}
    theirs = sklearn.linear_model.LinearRegression(**parameters).fit(wide, y)
    for sample_weight in (None, WEIGHTS):
        theirs.fit(wide, y, sample_weight)
        ours = LinearRegression(**parameters).fit(ds.array(wide, block_size=50), y, sample_weight)
        assert (ours.coef_ >= 0).all()
        assert ours.score(wide, y, sample_weight) >= theirs.score(wide, y, sample_weight) - 1e-9


def test_sparse_rows_give_the_same_as_dense_ones():
    sparse = scipy.sparse.csr_array(np.where(X > 0, X, 0))
    theirs = sklearn.linear_model.LinearRegression().fit(sparse.toarray(), y)
    ours = LinearRegression().fit(ds.array(sparse, block_size=50), y)
    assert_same(ours, theirs, rtol=1e-6)
    np.testing.assert_allclose(ours.predict(ds.array(sparse)).collect(), theirs.predict(sparse))


def test_numbers_stay_as_short_as_they_are():
    ours = LinearRegression().fit(ds.array(X.astype(np.float32), block_size=50), y)
    assert ours.coef_.dtype == ours.predict(ds.array(X.astype(np.float32))).dtype == np.float32
    assert ours.singular_.dtype == np.float32
    np.testing.assert_allclose(ours.coef_, sklearn.linear_model.LinearRegression().fit(X, y).coef_, rtol=1e-3)


def test_engine_does_not_change_the_result(on_every_engine):
    theirs = sklearn.linear_model.LinearRegression().fit(X, y)
    assert_same(LinearRegression().fit(ds.array(X, block_size=100), ds.array(y, block_size=70)), theirs)


def test_streamed_rows_are_read_once(tmp_path, monkeypatch):
    import zarr

    ds.to_zarr(ds.array(X, block_size=50), tmp_path / "X.zarr")
    streamed = ds.from_zarr(tmp_path / "X.zarr", block_size=50)
    reads = []
    read = zarr.Array.__getitem__
    monkeypatch.setattr(zarr.Array, "__getitem__", lambda self, part: reads.append(part) or read(self, part))
    ours = LinearRegression().fit(streamed, y)
    assert len(reads) == streamed.n_blocks
    assert_same(ours, sklearn.linear_model.LinearRegression().fit(X, y))


def test_names_of_features_are_kept_and_need_not_be_given():
    frame = pd.DataFrame(X, columns=[f"f{i}" for i in range(10)])
    model = LinearRegression().fit(frame, pd.Series(y))
    assert model.feature_names_in_[0] == "f0"
    cut = ds.array(X, block_size=100)
    assert isinstance(model.predict(cut), ds.Array)


def test_errors_say_what_is_wrong():
    cut = ds.array(X, block_size=50)
    bad = np.where(np.arange(len(y)) == 300, np.nan, y)
    with pytest.raises(ValueError, match="Input y contains NaN"):
        LinearRegression().fit(cut, ds.array(bad, block_size=50))
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: X has 442, y has 5"):
        LinearRegression().fit(cut, y[:5])
    with pytest.raises(ValueError, match="requires y to be passed"):
        LinearRegression().fit(cut, None)
    with pytest.raises(ValueError, match="all weights are 0"):
        LinearRegression().fit(cut, y, ds.zeros(len(y)))
    with pytest.raises(ValueError, match="give numbers, a row for each sample"):
        LinearRegression().fit(cut, ds.array(np.full(len(y), "a")))
