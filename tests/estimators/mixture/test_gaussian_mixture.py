"""GaussianMixture finds, from the same start, what scikit-learn's finds, whatever the blocks and the engine."""

import logging

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn.mixture
from sklearn.datasets import load_wine, make_blobs
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import StandardScaler

import dsarray as ds
from dsflow.testing import count_tasks
from estimators.mixture import GaussianMixture

KINDS = ["full", "tied", "diag", "spherical"]
LEARNED = ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_")


def blobs(n_rows=300, dtype=np.float64):
    """Rows in groups that overlap."""
    X, _ = make_blobs(n_rows, n_features=3, centers=4, cluster_std=2.5, random_state=1)
    return X.astype(dtype)


def assert_same(model, other, rtol=1e-8):
    for name in LEARNED:
        found, expected = getattr(model, name), getattr(other, name)
        assert found.dtype == expected.dtype, name
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * np.abs(expected).max(), err_msg=name)
    np.testing.assert_allclose(model.lower_bounds_[1:], other.lower_bounds_[1:], rtol=rtol)
    np.testing.assert_allclose(model.lower_bounds_[:1], other.lower_bounds_[:1], rtol=1e-6)  # digits are lost there
    assert model.lower_bound_ == pytest.approx(other.lower_bound_, rel=rtol)
    assert (model.n_iter_, model.converged_) == (other.n_iter_, other.converged_)


# --- agrees with scikit-learn -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"init_params": "k-means++"},
        {"init_params": "random_from_data", "n_init": 2},
        {"means_init": blobs()[:4]},
        {"weights_init": [0.1, 0.2, 0.3, 0.4]},
        {"reg_covar": 0.5, "tol": 1e-4},
    ],
    ids=lambda given: ", ".join(given) or "kmeans",
)
def test_finds_what_scikit_learn_finds_from_the_same_start(kind, parameters):
    X = (
        blobs() - blobs().mean(axis=0) if kind == "tied" else blobs()
    )  # scikit-learn's start depends on the origin there
    parameters = {"n_components": 4, "covariance_type": kind, "random_state": 0, **parameters}
    ours = GaussianMixture(**parameters).fit(ds.array(X, block_size=70))
    theirs = sklearn.mixture.GaussianMixture(**parameters).fit(X)
    assert_same(ours, theirs)
    fresh = X[::2] + 0.1
    np.testing.assert_array_equal(ours.predict(fresh), theirs.predict(fresh))
    np.testing.assert_allclose(ours.predict_proba(fresh), theirs.predict_proba(fresh), atol=1e-8)
    np.testing.assert_allclose(ours.score_samples(fresh), theirs.score_samples(fresh), rtol=1e-8)
    np.testing.assert_allclose(ours.score(fresh), theirs.score(fresh), rtol=1e-8)
    np.testing.assert_allclose(ours.bic(ds.array(fresh)), theirs.bic(fresh), rtol=1e-8)
    np.testing.assert_allclose(ours.aic(fresh), theirs.aic(fresh), rtol=1e-8)
    for found, expected in zip(ours.sample(9), theirs.sample(9), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_given_precisions_are_where_it_starts(kind):
    given = {"full": [np.eye(3)] * 4, "tied": np.eye(3), "diag": np.ones((4, 3)), "spherical": np.ones(4)}[kind]
    parameters = {"n_components": 4, "covariance_type": kind, "precisions_init": np.array(given) / 4}
    parameters |= {"weights_init": np.full(4, 0.25), "means_init": blobs()[:4]}
    theirs = sklearn.mixture.GaussianMixture(**parameters).fit(blobs())
    assert_same(GaussianMixture(**parameters).fit(blobs()), theirs)
    at_start = GaussianMixture(**parameters).set_params(max_iter=0).fit(blobs())
    np.testing.assert_allclose(at_start.precisions_, parameters["precisions_init"])
    np.testing.assert_allclose(at_start.covariances_, np.array(given) * 4)


@pytest.mark.parametrize("kind", ["diag", "spherical"])
def test_random_shares_are_as_good_a_start_as_in_scikit_learn(kind):
    parameters = {"covariance_type": kind, "init_params": "random", "tol": 1e-4, "max_iter": 500}
    ours, theirs = (
        np.mean([make(4, random_state=seed, **parameters).fit(blobs()).lower_bound_ for seed in range(5)])
        for make in (GaussianMixture, sklearn.mixture.GaussianMixture)
    )
    assert ours >= theirs - 0.05


def test_wines_are_told_apart():
    X, y = load_wine(return_X_y=True)
    labels = GaussianMixture(3, random_state=0).fit_predict(StandardScaler().fit_transform(X))
    assert adjusted_rand_score(y, labels) > 0.8


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("max_iter", [0, 1, 3])
def test_stops_where_scikit_learn_stops(max_iter):
    parameters = {"n_components": 4, "max_iter": max_iter, "tol": 0, "random_state": 0}
    ours = GaussianMixture(**parameters).fit(blobs())
    assert_same(ours, sklearn.mixture.GaussianMixture(**parameters).fit(blobs()))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_warm_start_goes_on():
    models = [
        make(4, warm_start=True, max_iter=2, tol=1e-9, random_state=0).fit(blobs()).fit(blobs())
        for make in (GaussianMixture, sklearn.mixture.GaussianMixture)
    ]
    assert_same(*models)


def test_too_few_iterations_are_a_warning():
    with pytest.warns(ConvergenceWarning, match=r"did not converge in 1 iterations; try other init_params"):
        GaussianMixture(4, max_iter=1, random_state=0).fit(blobs())


@pytest.mark.parametrize("kind", KINDS)
def test_float32_stays_float32_and_loses_fewer_digits_than_in_scikit_learn(kind):
    X = blobs(dtype=np.float32) + np.float32(200)
    model = GaussianMixture(4, covariance_type=kind, random_state=0).fit(X)
    exact = sklearn.mixture.GaussianMixture(4, covariance_type=kind, random_state=0).fit(X.astype(float))
    assert {getattr(model, name).dtype for name in LEARNED} == {np.dtype(np.float32)}
    np.testing.assert_allclose(model.covariances_, exact.covariances_, rtol=1e-3, atol=1e-4)
    for given, dtype in ((X, np.float32), (X.astype(float), np.float64)):
        assert model.predict_proba(given).dtype == model.score_samples(given).dtype == dtype


@pytest.mark.parametrize("kind", KINDS)
def test_digits_survive_far_from_the_origin(kind):
    near, far = (GaussianMixture(4, covariance_type=kind, random_state=0).fit(X) for X in (blobs(), blobs() + 1e7))
    np.testing.assert_allclose(far.covariances_, near.covariances_, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(far.predict(blobs() + 1e7), near.predict(blobs()))


def test_rows_without_density_have_shares_that_sum_up_to_1():
    model = GaussianMixture(4, random_state=0).fit(blobs())
    far = np.array([[1e4, -1e4, 1e4]])
    np.testing.assert_allclose(model.predict_proba(far).sum(axis=1), 1)
    assert np.isfinite(model.score_samples(far)).all()


# --- blocks, engines and kinds ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("init_params", ["kmeans", "k-means++", "random", "random_from_data"])
@pytest.mark.parametrize("block_size", [1, 7, (40, 2), ((0, 59, 1, 0), (3,)), -1])
def test_blocking_does_not_change_the_result(init_params, block_size):
    model = GaussianMixture(2, init_params=init_params, random_state=0, tol=1e-5)
    whole = vars(model.fit(blobs(60))).copy()
    cut = ds.array(blobs(60), block_size=block_size)
    model.fit(cut)
    for name in LEARNED:
        np.testing.assert_allclose(getattr(model, name), whole[name], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(model.predict_proba(cut).collect(), model.predict_proba(blobs(60)), atol=1e-12)


def test_engine_does_not_change_the_result(on_every_engine):
    parameters = {"n_components": 4, "random_state": 0}
    model = GaussianMixture(**parameters).fit(ds.array(blobs(), block_size=70))
    assert_same(model, sklearn.mixture.GaussianMixture(**parameters).fit(blobs()))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("init_params", ["kmeans", "k-means++", "random", "random_from_data"])
def test_streamed_rows_give_the_same(tmp_path, init_params):
    ds.to_zarr(ds.array(blobs(), block_size=50), tmp_path / "X.zarr")
    model = GaussianMixture(4, init_params=init_params, random_state=0, max_iter=4)
    kept = vars(model.fit(blobs())).copy()
    model.fit(ds.from_zarr(tmp_path / "X.zarr", block_size=70))
    for name in LEARNED:
        np.testing.assert_allclose(getattr(model, name), kept[name], rtol=1e-7, atol=1e-9)


def test_arrays_in_give_arrays_out_by_one_task_for_each_row_of_blocks():
    X = ds.array(blobs(), block_size=(70, 2))
    model = GaussianMixture(4, random_state=0).fit(X)
    with count_tasks() as tasks:
        found = [model.predict(X), model.score_samples(X), model.predict_proba(X)]
    assert tasks.count == 3 * X.grid[0]
    assert [each.chunks for each in found] == [X.chunks[:1], X.chunks[:1], (X.chunks[0], (4,))]
    assert isinstance(model.fit_predict(X), ds.Array)
    assert isinstance(model.fit_predict(blobs()), np.ndarray)


def test_an_iteration_is_one_task_for_each_row_of_blocks_and_a_tree():
    X = ds.array(blobs(), block_size=30)
    with count_tasks() as tasks:
        model = GaussianMixture(4, init_params="random_from_data", random_state=0).fit(X)
    assert tasks.by_name["expect_and_sum"] == 10 * model.n_iter_
    assert tasks.count <= (10 + 3) * model.n_iter_ + 40


def test_data_frames_are_known_by_their_names():
    frame = pd.DataFrame(blobs(), columns=list("abc"))
    assert GaussianMixture(2, random_state=0).fit(frame).feature_names_in_.tolist() == list("abc")


def test_verbose_logs_iterations(caplog):
    with caplog.at_level(logging.INFO):
        GaussianMixture(4, verbose=1, verbose_interval=1, random_state=0).fit(blobs())
    assert "iteration 1, lower bound" in caplog.text


# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"n_components": 0}, "'n_components' parameter of GaussianMixture"),
        ({"covariance_type": "round"}, "'covariance_type' parameter"),
        ({"weights_init": [0.5]}, "'weights' should have the shape of"),
        ({"weights_init": [0.5, 0.6]}, "'weights' should be normalized"),
        ({"means_init": np.ones((2, 2))}, "'means' should have the shape of"),
        ({"precisions_init": np.ones((2, 3, 3)) * -1}, "positive-definite"),
    ],
    ids=str,
)
def test_parameters_that_make_no_sense_are_named(parameters, words):
    with pytest.raises(ValueError, match=words):
        GaussianMixture(**{"n_components": 2, **parameters}).fit(ds.array(blobs(), block_size=70))


@pytest.mark.parametrize("make", [np.asarray, ds.array])
def test_fewer_rows_than_components_is_an_error(make):
    with pytest.raises(ValueError, match="Expected n_samples >= n_components"):
        GaussianMixture(5).fit(make(blobs(4)))


def test_a_component_without_extent_is_an_error():
    X = np.repeat(blobs(3), 20, axis=0)
    with pytest.raises(ValueError, match="ill-defined empirical covariance"):
        GaussianMixture(3, reg_covar=0, random_state=0).fit(X)


def test_sparse_rows_are_refused():
    with pytest.raises(TypeError, match="sparse data was passed, but dense data is required"):
        GaussianMixture(2).fit(ds.array(scipy.sparse.csr_array(blobs())))


@pytest.mark.parametrize("method", ["fit", "predict", "predict_proba", "score_samples", "score"])
def test_numbers_that_are_not_finite_are_an_error(method, engine):
    X = blobs()
    X[200, 2] = np.nan
    model = GaussianMixture(2, random_state=0).fit(blobs())
    with pytest.raises(ValueError, match="Input X contains NaN"):
        np.asarray(getattr(model, method)(ds.array(X, block_size=70)))
    engine._failures.clear()


def test_predict_before_fit_is_an_error():
    with pytest.raises(NotFittedError):
        GaussianMixture().predict(blobs())
