"""MiniBatchKMeans draws the batches that scikit-learn draws, and a step costs the same for any number of rows."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn.cluster
from sklearn.datasets import load_digits, make_blobs
from sklearn.exceptions import NotFittedError

import dsarray as ds
from dsflow.testing import count_tasks
from estimators.cluster import KMeans, MiniBatchKMeans


def blobs(n_rows=1500, dtype=np.float64):
    """Rows far from the origin, in groups that overlap."""
    X, _ = make_blobs(n_rows, n_features=4, centers=8, cluster_std=2.5, random_state=1)
    return (X + 100).astype(dtype)


def weights(n_rows=1500):
    return np.random.default_rng(0).random(n_rows)


def assert_same(model, other, rtol=1e-9):
    np.testing.assert_allclose(model.cluster_centers_, other.cluster_centers_, rtol=rtol)
    np.testing.assert_allclose(model.inertia_, other.inertia_, rtol=rtol * 10)
    assert model.n_steps_ == other.n_steps_
    if hasattr(other, "labels_"):
        np.testing.assert_array_equal(np.asarray(model.labels_), np.asarray(other.labels_))


KINDS = {
    "dense": blobs(),
    "float32": blobs(dtype=np.float32),
    "int": blobs().astype(int),
    "CSR matrix": scipy.sparse.csr_matrix(np.where(blobs() > 100, blobs(), 0)),
    "data frame": pd.DataFrame(blobs(), columns=list("abcd")),
}


# --- agrees with scikit-learn -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("X", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("sample_weight", [None, weights()], ids=["", "weighted"])
def test_finds_what_scikit_learn_finds_from_the_same_random_state(X, sample_weight):
    ours = MiniBatchKMeans(5, random_state=3).fit(X, sample_weight=sample_weight)
    theirs = sklearn.cluster.MiniBatchKMeans(5, random_state=3).fit(X, sample_weight=sample_weight)
    assert_same(ours, theirs, rtol=1e-4 if ours.cluster_centers_.dtype == np.float32 else 1e-9)
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.cluster_centers_.dtype == theirs.cluster_centers_.dtype
    assert ours.labels_.dtype == theirs.labels_.dtype
    np.testing.assert_array_equal(ours.predict(X[:20]), theirs.predict(X[:20]))
    np.testing.assert_allclose(ours.transform(X[:20]), theirs.transform(X[:20]), rtol=1e-3)
    np.testing.assert_allclose(ours.score(X), theirs.score(X), rtol=1e-4)


@pytest.mark.parametrize(
    "parameters",
    [
        {"init": "random"},
        {"init": blobs()[:5]},
        {"init": lambda X, k, random_state: X[random_state.permutation(len(X))[:k]]},
        {"n_init": 3},
        {"init": "random", "init_size": 100},
        {"batch_size": 100},
        {"batch_size": 5000},
        {"tol": 1e-2},
        {"max_iter": 2, "max_no_improvement": None},
        {"compute_labels": False},
    ],
    ids=lambda given: ", ".join(f"{name}={value}"[:25] for name, value in given.items()),
)
def test_parameters_mean_what_they_mean_in_scikit_learn(parameters):
    parameters = {"n_clusters": 5, "random_state": 0, **parameters}
    ours, theirs = (
        make(**parameters).fit(blobs(), sample_weight=weights())
        for make in (MiniBatchKMeans, sklearn.cluster.MiniBatchKMeans)
    )
    assert_same(ours, theirs)
    assert hasattr(ours, "labels_") == hasattr(theirs, "labels_")


def test_partial_fit_is_a_step_of_scikit_learn():
    models = [make(5, random_state=0) for make in (MiniBatchKMeans, sklearn.cluster.MiniBatchKMeans)]
    for start in (0, 500, 1000):
        batch, weight = blobs()[start : start + 500], weights()[start : start + 500]
        models[0].partial_fit(ds.array(batch, block_size=70), sample_weight=weight)
        models[1].partial_fit(batch, sample_weight=weight)
        assert_same(*models)


def test_partial_fit_goes_on_after_fit():
    models = [make(5, random_state=0).fit(blobs()) for make in (MiniBatchKMeans, sklearn.cluster.MiniBatchKMeans)]
    assert_same(*[model.partial_fit(blobs()[:100]) for model in models])


def test_centers_without_rows_are_moved():
    init = np.concatenate([blobs()[:4], np.full((4, 4), 1e6)])
    parameters = {"init": init, "n_init": 1, "batch_size": 200}
    ours, theirs = (
        [make(8, random_state=seed, **parameters).fit(blobs()).inertia_ for seed in range(5)]
        for make in (MiniBatchKMeans, sklearn.cluster.MiniBatchKMeans)
    )
    assert np.mean(ours) < 1.1 * np.mean(theirs)
    kept = MiniBatchKMeans(8, reassignment_ratio=0, random_state=0, **parameters).fit(blobs())
    assert kept.inertia_ > 1.3 * np.mean(ours)
    moved = MiniBatchKMeans(8, random_state=0, **parameters).partial_fit(blobs())
    assert (moved.cluster_centers_ < 1e5).all()


def test_digits_are_clustered_nearly_as_well_as_by_k_means():
    X = load_digits().data
    batches = [MiniBatchKMeans(10, random_state=seed).fit(X).inertia_ for seed in range(3)]
    whole = [KMeans(10, random_state=seed).fit(X).inertia_ for seed in range(3)]
    assert np.mean(batches) < 1.06 * np.mean(whole)


def test_digits_survive_far_from_the_origin():
    near, far = (MiniBatchKMeans(5, random_state=0).fit(X) for X in (blobs(), blobs() + 1e6))
    np.testing.assert_allclose(far.cluster_centers_ - 1e6, near.cluster_centers_, rtol=1e-6)


# --- blocks, engines and kinds ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["dense", "CSR matrix"])
@pytest.mark.parametrize("sample_weight", [None, weights(120)], ids=["", "weighted"])
@pytest.mark.parametrize("block_size", [1, 7, (50, 3), ((0, 99, 1, 0, 20), (4,)), -1])
def test_blocking_does_not_change_the_result(kind, sample_weight, block_size):
    X = KINDS[kind][:120]
    model = MiniBatchKMeans(5, batch_size=50, max_iter=5, random_state=0)
    whole = vars(model.fit(X, sample_weight=sample_weight)).copy()
    model.fit(ds.array(X, block_size=block_size), sample_weight=sample_weight)
    np.testing.assert_allclose(model.cluster_centers_, whole["cluster_centers_"])
    np.testing.assert_array_equal(model.labels_.collect(), whole["labels_"])


def test_engine_does_not_change_the_result(on_every_engine):
    X = ds.array(blobs(), block_size=400)
    parameters = {"n_clusters": 5, "random_state": 0}
    model = MiniBatchKMeans(**parameters).fit(X, sample_weight=ds.array(weights(), block_size=500))
    assert_same(model, sklearn.cluster.MiniBatchKMeans(**parameters).fit(blobs(), sample_weight=weights()))


@pytest.mark.parametrize("sample_weight", [None, weights()], ids=["", "weighted"])
def test_streamed_rows_give_the_same(tmp_path, sample_weight):
    ds.to_zarr(ds.array(blobs(), block_size=200), tmp_path / "X.zarr")
    X = ds.from_zarr(tmp_path / "X.zarr", block_size=700)
    parameters = {"n_clusters": 5, "random_state": 0, "max_iter": 20, "batch_size": 300}
    model = MiniBatchKMeans(**parameters).fit(X, sample_weight=sample_weight)
    assert_same(model, sklearn.cluster.MiniBatchKMeans(**parameters).fit(blobs(), sample_weight=sample_weight))


def test_a_user_s_random_state_goes_on():
    rng = np.random.RandomState(0)
    first, second = (MiniBatchKMeans(5, max_iter=2, random_state=rng).fit(blobs()).cluster_centers_ for _ in range(2))
    assert not np.allclose(first, second)


def test_arrays_in_give_arrays_out():
    X = ds.array(blobs(), block_size=(400, 3))
    model = MiniBatchKMeans(5, random_state=0).fit(X)
    assert model.labels_.chunks == X.chunks[:1]
    assert model.fit_transform(X).chunks == (X.chunks[0], (5,))
    assert isinstance(model.cluster_centers_, np.ndarray)
    assert isinstance(model.fit_predict(blobs()), np.ndarray)


def test_many_steps_are_few_tasks_for_any_number_of_rows():
    counts = []
    for n_rows, max_iter in ((1_000, 50), (50_000, 1)):
        X = ds.random_array((n_rows, 3), block_size=n_rows // 5, random_state=0)
        parameters = {"batch_size": 100, "compute_labels": False, "max_no_improvement": None, "random_state": 0}
        with count_tasks() as tasks:
            model = MiniBatchKMeans(3, max_iter=max_iter, **parameters).fit(X)
        assert model.n_steps_ == 500
        counts.append(tasks.count)
    assert max(counts) < 250
    assert abs(counts[1] - counts[0]) < 10


# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"n_clusters": 0}, "'n_clusters' parameter of MiniBatchKMeans"),
        ({"init": "k-means"}, "'init' parameter"),
        ({"batch_size": 0}, "'batch_size' parameter"),
        ({"n_clusters": 1501}, r"n_samples=1500 should be >= n_clusters=1501; ask for fewer"),
        ({"init": np.ones((2, 4))}, r"initial centers have shape \(2, 4\)"),
    ],
    ids=lambda given: str(given)[:30],
)
def test_parameters_that_make_no_sense_are_named(parameters, words):
    with pytest.raises(ValueError, match=words):
        MiniBatchKMeans(**parameters).fit(ds.array(blobs(), block_size=400))


def test_more_starts_than_given_centers_is_a_warning():
    with pytest.warns(RuntimeWarning, match="one start instead of n_init=3"):
        MiniBatchKMeans(5, init=blobs()[:5], n_init=3).fit(blobs())


def test_too_few_rows_to_start_from_is_a_warning():
    with pytest.warns(RuntimeWarning, match="init_size=3 should be larger than n_clusters=5"):
        MiniBatchKMeans(5, init_size=3, random_state=0).fit(blobs())


@pytest.mark.parametrize("method", ["fit", "partial_fit", "predict", "transform", "score"])
def test_numbers_that_are_not_finite_are_an_error(method, engine):
    X = blobs()
    X[1200, 2] = np.nan
    model = MiniBatchKMeans(5, random_state=0).fit(blobs())
    with pytest.raises(ValueError, match="Input X contains NaN"):
        np.asarray(getattr(model, method)(ds.array(X, block_size=400)))
    engine._failures.clear()


def test_predict_before_fit_is_an_error():
    with pytest.raises(NotFittedError):
        MiniBatchKMeans().predict(blobs())
