"""KMeans finds, from the same random state, what scikit-learn's finds, whatever the blocks and the engine."""

import logging

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn.cluster
from sklearn.datasets import make_blobs
from sklearn.exceptions import ConvergenceWarning, NotFittedError

import dsarray as ds
from estimators.cluster import KMeans

INITS = ["k-means++", "k-means||", "random"]


def blobs(n_rows=300, n_features=4, centers=6, dtype=np.float64):
    """Rows far from the origin, in groups that overlap."""
    X, _ = make_blobs(n_rows, n_features=n_features, centers=centers, cluster_std=3, random_state=1)
    return (X + 100).astype(dtype)


def weights(n_rows=300):
    return np.random.default_rng(0).random(n_rows)


def first_rows(X, n_clusters, random_state):
    """What a user may pass as ``init``. A copy, since scikit-learn writes on what it is given."""
    return X[:n_clusters].toarray() if scipy.sparse.issparse(X) else X[:n_clusters].copy()


def assert_same(model, other, rtol=1e-9):
    np.testing.assert_allclose(model.cluster_centers_, other.cluster_centers_, rtol=rtol)
    np.testing.assert_array_equal(np.asarray(model.labels_), np.asarray(other.labels_))
    np.testing.assert_allclose(model.inertia_, other.inertia_, rtol=max(rtol, 1e-9))
    assert model.n_iter_ == other.n_iter_


KINDS = {
    "dense": blobs(),
    "float32": blobs(dtype=np.float32),
    "int": blobs().astype(int),
    "CSR matrix": scipy.sparse.csr_matrix(np.where(blobs() > 100, blobs(), 0)),
    "CSC array": scipy.sparse.csc_array(np.where(blobs() > 100, blobs(), 0)),
    "data frame": pd.DataFrame(blobs(), columns=list("abcd")),
}


# --- agrees with scikit-learn -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("X", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("sample_weight", [None, weights()], ids=["", "weighted"])
@pytest.mark.parametrize(
    "init", ["k-means++", "random", blobs()[:9], first_rows], ids=["++", "random", "centers", "callable"]
)
def test_finds_what_scikit_learn_finds_from_the_same_random_state(X, sample_weight, init):
    parameters = {"n_clusters": 9, "init": init, "random_state": 3}
    ours = KMeans(**parameters).fit(X, sample_weight=sample_weight)
    theirs = sklearn.cluster.KMeans(**parameters).fit(X, sample_weight=sample_weight)
    assert_same(ours, theirs, rtol=1e-5 if ours.cluster_centers_.dtype == np.float32 else 1e-9)
    assert ours.cluster_centers_.dtype == theirs.cluster_centers_.dtype
    assert ours.labels_.dtype == theirs.labels_.dtype
    fresh = X[10:30]
    np.testing.assert_array_equal(ours.predict(fresh), theirs.predict(fresh))
    np.testing.assert_allclose(ours.transform(fresh), theirs.transform(fresh), rtol=1e-4)
    np.testing.assert_allclose(ours.score(X, sample_weight=sample_weight), -ours.inertia_)


@pytest.mark.parametrize("parameters", [{"max_iter": 1}, {"max_iter": 3}, {"tol": 0.0}, {"tol": 0.1}, {"n_init": 4}])
def test_stops_where_scikit_learn_stops(parameters):
    parameters = {"n_clusters": 12, "init": "random", "random_state": 0, "n_init": 1, **parameters}
    assert_same(KMeans(**parameters).fit(blobs()), sklearn.cluster.KMeans(**parameters).fit(blobs()))


@pytest.mark.parametrize("block_size", [None, 7])
@pytest.mark.parametrize("sample_weight", [None, weights()], ids=["", "weighted"])
def test_empty_clusters_get_the_farthest_rows_as_in_scikit_learn(sample_weight, block_size):
    X = blobs()
    init = np.concatenate([X[:4], np.full((2, 4), 1e6)])
    parameters = {"n_clusters": 6, "init": init, "n_init": 1}
    theirs = sklearn.cluster.KMeans(**parameters).fit(X, sample_weight=sample_weight)
    with ds.config(block_size=block_size):
        ours = KMeans(**parameters).fit(X, sample_weight=sample_weight)
    np.testing.assert_allclose(ours.inertia_, theirs.inertia_)
    assert len(np.unique(ours.labels_)) == 6


def test_scalable_init_is_as_good_as_plus_plus():
    X = blobs(n_rows=2000, n_features=8, centers=30)
    inertias = {
        init: [KMeans(30, init=init, max_iter=1, tol=0, random_state=seed).fit(X).inertia_ for seed in range(5)]
        for init in ("k-means++", "k-means||", "random")
    }
    assert np.mean(inertias["k-means||"]) < 1.1 * np.mean(inertias["k-means++"])
    assert np.mean(inertias["k-means||"]) < 0.9 * np.mean(inertias["random"])


def test_names_of_features_and_of_outputs_are_those_of_scikit_learn():
    frame = KINDS["data frame"]
    model = KMeans(3, random_state=0).set_output(transform="pandas").fit(frame)
    assert model.feature_names_in_.tolist() == list("abcd")
    assert list(model.transform(frame).columns) == ["kmeans0", "kmeans1", "kmeans2"]


# --- blocks and engines -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("init", INITS)
@pytest.mark.parametrize("block_size", [1, 7, 75, (11, 3), -1])
@pytest.mark.parametrize("sample_weight", [None, weights()], ids=["", "weighted"])
def test_blocking_does_not_change_the_result(init, block_size, sample_weight):
    parameters = {"n_clusters": 5, "init": init, "n_init": 2, "random_state": 0}
    whole = KMeans(**parameters).fit(blobs(60), sample_weight=None if sample_weight is None else sample_weight[:60])
    cut = ds.array(blobs(60), block_size=block_size)
    assert_same(
        KMeans(**parameters).fit(cut, sample_weight=None if sample_weight is None else sample_weight[:60]), whole
    )


@pytest.mark.parametrize("init", INITS)
def test_blocking_does_not_change_the_result_for_sparse_rows(init):
    parameters = {"n_clusters": 5, "init": init, "random_state": 0}
    X = KINDS["CSR matrix"]
    assert_same(KMeans(**parameters).fit(ds.array(X, block_size=7)), KMeans(**parameters).fit(X))


@pytest.mark.parametrize("init", INITS)
def test_engine_does_not_change_the_result(on_every_engine, init):
    X = ds.array(blobs(), block_size=70)
    model = KMeans(7, init=init, n_init=2, random_state=0).fit(X, sample_weight=ds.array(weights(), block_size=50))
    expected = sklearn.cluster.KMeans(7, init=init, n_init=2, random_state=0) if init != "k-means||" else model
    if expected is not model:
        assert_same(model, expected.fit(blobs(), sample_weight=weights()))
    np.testing.assert_array_equal(model.predict(X).collect(), model.labels_.collect())


# --- kinds of input and output ----------------------------------------------------------------------------------------


def test_arrays_in_give_arrays_out_and_ndarrays_ndarrays():
    X = ds.array(blobs(), block_size=(70, 3))
    model = KMeans(4, random_state=0).fit(X)
    assert isinstance(model.labels_, ds.Array)
    assert model.labels_.chunks == (X.chunks[0],)
    assert isinstance(model.cluster_centers_, np.ndarray)
    assert isinstance(model.fit_predict(X), ds.Array)
    assert model.fit_transform(X).chunks == (X.chunks[0], (4,))
    assert isinstance(model.predict(blobs()), np.ndarray)
    assert isinstance(model.fit(blobs()).labels_, np.ndarray)
    assert model.score(X) == pytest.approx(-model.inertia_)


@pytest.mark.parametrize("shape", [(300,), (300, 1)])
def test_weights_may_be_an_array_of_other_blocks(shape):
    X = ds.array(blobs(), block_size=70)
    parameters = {"n_clusters": 5, "random_state": 0}
    given = KMeans(**parameters).fit(X, sample_weight=ds.array(weights().reshape(shape), block_size=33))
    assert_same(given, KMeans(**parameters).fit(blobs(), sample_weight=weights()))


def test_types_that_are_not_floats_become_float64():
    model = KMeans(3, random_state=0).fit(ds.array(blobs().astype(np.int8), block_size=70))
    assert model.cluster_centers_.dtype == np.float64
    assert model.transform(ds.array(blobs(dtype=np.float32))).dtype == np.float32


def test_programs_for_dislib_run():
    model = KMeans(n_clusters=3, random_state=170, max_iter=10, tol=1e-4, arity=4)
    assert model.fit_predict(ds.array(blobs(), block_size=(20, 4))).shape == (300,)


def test_data_is_left_as_it_was():
    X = blobs()
    KMeans(3, copy_x=False, random_state=0).fit(X)
    np.testing.assert_array_equal(X, blobs())


def test_verbose_logs_each_start(caplog):
    with caplog.at_level(logging.INFO):
        KMeans(3, n_init=2, verbose=1, random_state=0).fit(blobs())
    assert "inertias" in caplog.text


def test_rows_without_weight_do_not_count():
    X, sample_weight = blobs(), weights()
    sample_weight[::3] = 0
    parameters = {"n_clusters": 6, "init": X[1:7], "n_init": 1}
    whole = KMeans(**parameters).fit(X, sample_weight=sample_weight)
    without = KMeans(**parameters).fit(X[sample_weight > 0], sample_weight=sample_weight[sample_weight > 0])
    np.testing.assert_allclose(whole.cluster_centers_, without.cluster_centers_, rtol=1e-3)
    np.testing.assert_allclose(whole.inertia_, without.inertia_, rtol=1e-3)


# --- edges ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("init", INITS)
@pytest.mark.parametrize("block_size", [None, 1, 3])
def test_as_many_clusters_as_rows_leaves_no_inertia(init, block_size):
    X = blobs(8)
    with ds.config(block_size=block_size):
        model = KMeans(8, init=init, n_init=1, random_state=0).fit(X)
    assert model.inertia_ == pytest.approx(0, abs=1e-9)
    assert sorted(model.labels_) == list(range(8))


@pytest.mark.parametrize("init", INITS)
@pytest.mark.parametrize("block_size", [None, 1, 3])
@pytest.mark.parametrize("sparse", [False, True])
def test_fewer_different_rows_than_clusters_is_a_warning(init, block_size, sparse):
    X = np.repeat([[1.0, 2], [3, 4.5]], 5, axis=0)
    with ds.config(block_size=block_size), pytest.warns(ConvergenceWarning, match=r"2 distinct .* duplicate rows"):
        model = KMeans(4, init=init, n_init=1, random_state=0).fit(scipy.sparse.csr_array(X) if sparse else X)
    assert model.inertia_ == pytest.approx(0, abs=1e-9)
    assert np.isfinite(model.cluster_centers_).all()


@pytest.mark.parametrize("init", INITS)
def test_one_cluster_is_the_mean(init):
    model = KMeans(1, init=init, n_init=1, random_state=0).fit(ds.array(blobs(), block_size=70))
    np.testing.assert_allclose(model.cluster_centers_[0], blobs().mean(axis=0))


def test_features_that_do_not_vary_do_no_harm():
    with pytest.warns(ConvergenceWarning, match="1 distinct"):
        model = KMeans(2, random_state=0).fit(np.full((10, 3), 0.1))
    np.testing.assert_allclose(model.cluster_centers_[0], 0.1)


def test_digits_survive_far_from_the_origin():
    X = blobs() * 1e-3 + 1e6
    ours, theirs = KMeans(6, random_state=0).fit(X), sklearn.cluster.KMeans(6, random_state=0).fit(X)
    np.testing.assert_array_equal(ours.labels_, theirs.labels_)
    np.testing.assert_array_equal(ours.predict(X), ours.labels_)


# --- errors -----------------------------------------------------------------------------------------------------------

BAD_PARAMETERS = {
    "n_clusters": (0, r"n_clusters=0 makes no sense; give an int of at least 1"),
    "n_init": ("once", r"n_init='once' makes no sense; give an int of at least 1 or 'auto'"),
    "max_iter": (0, "max_iter=0 makes no sense"),
    "tol": (-1, "tol=-1 makes no sense; give a number of at least 0"),
    "init": ("k-means", r"init='k-means' makes no sense; give one of k-means\+\+"),
    "algorithm": ("full", "algorithm='full' makes no sense; give 'lloyd' or 'elkan'"),
    "arity": (1, "arity=1 makes no sense; give an int of at least 2"),
}


@pytest.mark.parametrize("name", BAD_PARAMETERS)
def test_parameters_that_make_no_sense_are_named(name):
    value, words = BAD_PARAMETERS[name]
    with pytest.raises(ValueError, match=r"KMeans\.fit: " + words):
        KMeans(**{name: value}).fit(blobs())


def test_more_clusters_than_rows_is_an_error():
    with pytest.raises(ValueError, match=r"n_samples=5 should be >= n_clusters=8; ask for fewer"):
        KMeans(8).fit(ds.array(blobs(5)))


def test_centers_of_another_shape_are_an_error():
    with pytest.raises(ValueError, match=r"initial centers have shape \(3, 2\).* 3 clusters of 4 features"):
        KMeans(3, init=np.ones((3, 2))).fit(blobs())


def test_more_starts_than_given_centers_is_a_warning():
    with pytest.warns(RuntimeWarning, match="one start instead of n_init=5"):
        KMeans(3, init=blobs()[:3], n_init=5).fit(blobs())


def test_fewer_positive_weights_than_clusters_is_an_error():
    with pytest.raises(ValueError, match="2 samples have a positive weight, fewer than n_clusters=3"):
        KMeans(3, init="random", random_state=0).fit(blobs(), sample_weight=np.eye(300)[0] + np.eye(300)[1])


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("method", ["fit", "predict", "transform", "score"])
def test_numbers_that_are_not_finite_are_an_error(value, method):
    X = blobs()
    X[200, 2] = value
    model = KMeans(3, random_state=0).fit(blobs())
    given = ds.array(X, block_size=70)
    with pytest.raises(ValueError, match=r"Input X contains (NaN|infinity)"):
        np.asarray(getattr(model, method)(given))


BAD_ARRAYS = {
    "1-D": (np.ones(5), r"expected a 2-D array.*Reshape your data"),
    "3-D": (np.ones((5, 4, 3)), r"expected a 2-D array"),
    "no rows": (np.ones((0, 4)), r"Found array with 0 sample\(s\)"),
    "no columns": (np.ones((4, 0)), r"Found array with 0 feature\(s\)"),
    "complex": (np.ones((4, 4)) * 1j, "Complex data not supported"),
    "text": (np.full((4, 4), "a"), "Data of type <U1 not supported"),
}


@pytest.mark.parametrize(("X", "words"), BAD_ARRAYS.values(), ids=BAD_ARRAYS)
def test_arrays_that_are_not_samples_are_an_error(X, words):
    with pytest.raises(ValueError, match=words):
        KMeans(2).fit(ds.array(X))


@pytest.mark.parametrize("X", [np.ones((5, 3)), ds.array(np.ones((5, 3)))], ids=["ndarray", "Array"])
def test_other_features_than_in_fit_are_an_error(X):
    model = KMeans(2, random_state=0).fit(blobs())
    with pytest.raises(ValueError, match="X has 3 features, but KMeans is expecting 4 features as input"):
        model.predict(X)


@pytest.mark.parametrize("make", [np.asarray, ds.array])
@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.ones(299), r"[Ff]ound input variables with inconsistent numbers|sample_weight.shape == \(299,\)"),
        (-np.ones(300), "Negative values in data passed to `sample_weight`"),
        (np.full(300, np.nan), "Input sample_weight contains NaN"),
        (np.ones((300, 2)), "1d array|1D array"),
    ],
    ids=["too few", "negative", "NaN", "2-D"],
)
def test_weights_that_are_none_are_an_error(make, values, words):
    with pytest.raises(ValueError, match=words):
        KMeans(3, random_state=0).fit(blobs(), sample_weight=make(values))


def test_predict_before_fit_is_an_error():
    with pytest.raises(NotFittedError):
        KMeans().predict(blobs())
