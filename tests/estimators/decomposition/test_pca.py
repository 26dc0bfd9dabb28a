"""PCA finds what scikit-learn's finds, by each solver, whatever the blocks and the engine."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn.decomposition
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import dsarray as ds
from dsflow.testing import count_tasks
from estimators.decomposition import PCA

LEARNED = ("mean_", "components_", "explained_variance_", "explained_variance_ratio_", "singular_values_")
SOLVERS = ["auto", "full", "covariance_eigh", "arpack", "randomized"]


def rows(n_rows=300, n_features=12, dtype=np.float64):
    """Rows far from the origin, with variances that fall quickly."""
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.normal(size=(n_features, n_features))).Q
    X = rng.normal(size=(n_rows, n_features)) * 0.6 ** np.arange(n_features) @ turn + 10
    return X.astype(dtype)


def sparse_rows():
    return scipy.sparse.random_array((300, 15), density=0.3, rng=0, format="csr")


def assert_same(model, other, rtol=1e-9):
    for name in LEARNED:
        found, expected = getattr(model, name), getattr(other, name)
        assert found.dtype == expected.dtype, name
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * np.abs(expected).max(), err_msg=name)
    np.testing.assert_allclose(model.noise_variance_, other.noise_variance_, rtol=rtol * 10, atol=1e-12)
    assert model.n_components_ == other.n_components_
    assert model.n_samples_ == other.n_samples_


# --- agrees with scikit-learn -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("svd_solver", SOLVERS)
@pytest.mark.parametrize("shape", [(300, 12), (9, 12), (12, 12)], ids=str)
@pytest.mark.parametrize("whiten", [False, True], ids=["", "whiten"])
def test_finds_what_scikit_learn_finds(svd_solver, shape, whiten):
    parameters = {"n_components": 4, "svd_solver": svd_solver, "whiten": whiten, "random_state": 0}
    X = rows(*shape)
    ours = PCA(**parameters, iterated_power=30).fit(X)
    theirs = sklearn.decomposition.PCA(**parameters, iterated_power=30).fit(X)
    assert_same(ours, theirs, 1e-8)
    turned = theirs.transform(X)
    np.testing.assert_allclose(ours.transform(X), turned, atol=1e-7)
    np.testing.assert_allclose(ours.fit_transform(X), turned, atol=1e-7)
    np.testing.assert_allclose(ours.inverse_transform(turned), theirs.inverse_transform(turned), atol=1e-7)
    np.testing.assert_allclose(ours.get_covariance(), theirs.get_covariance(), atol=1e-8)
    np.testing.assert_allclose(ours.score_samples(X), theirs.score_samples(X), rtol=1e-6)
    np.testing.assert_allclose(ours.score(X), theirs.score(X), rtol=1e-6)


@pytest.mark.parametrize("n_components", [None, 0, 3, 12, 0.5, 0.99, "mle"])
@pytest.mark.parametrize("svd_solver", ["full", "covariance_eigh"])
def test_keeps_as_many_components_as_scikit_learn(n_components, svd_solver):
    parameters = {"n_components": n_components, "svd_solver": svd_solver}
    if n_components == 0:
        ours, theirs = (kind(**parameters).fit(rows()) for kind in (PCA, sklearn.decomposition.PCA))
        assert ours.components_.shape == theirs.components_.shape
        np.testing.assert_allclose(ours.noise_variance_, theirs.noise_variance_)
    else:
        assert_same(PCA(**parameters).fit(rows()), sklearn.decomposition.PCA(**parameters).fit(rows()), 1e-8)


@pytest.mark.parametrize("svd_solver", ["auto", "covariance_eigh", "arpack"])
@pytest.mark.parametrize("n_components", [None, 4])
def test_sparse_rows_give_what_dense_rows_give(svd_solver, n_components):
    X, parameters = sparse_rows(), {"n_components": n_components, "svd_solver": svd_solver, "random_state": 0}
    ours = PCA(**parameters).fit(ds.array(X, block_size=70))
    theirs = sklearn.decomposition.PCA(**parameters).fit(X)
    assert_same(ours, theirs, 1e-8)
    np.testing.assert_allclose(ours.transform(X), theirs.transform(X), atol=1e-9)


@pytest.mark.parametrize("svd_solver", SOLVERS)
def test_float32_stays_float32_and_loses_fewer_digits_than_in_scikit_learn(svd_solver):
    X = rows(dtype=np.float32)
    parameters = {"n_components": 4, "svd_solver": svd_solver, "random_state": 0}
    model = PCA(**parameters).fit(X)
    exact = sklearn.decomposition.PCA(4, svd_solver="full").fit(X.astype(float))
    assert model.components_.dtype == np.float32
    assert model.transform(X).dtype == np.float32
    np.testing.assert_allclose(model.components_, exact.components_, atol=1e-6 if svd_solver != "randomized" else 1e-4)


@pytest.mark.parametrize("svd_solver", ["full", "covariance_eigh", "arpack", "randomized"])
def test_digits_survive_far_from_the_origin(svd_solver):
    X = rows() + 1e7
    model = PCA(3, svd_solver=svd_solver, random_state=0, iterated_power=30).fit(X)
    exact = sklearn.decomposition.PCA(3, svd_solver="full").fit(X - 1e7)
    np.testing.assert_allclose(model.explained_variance_, exact.explained_variance_, rtol=1e-7)
    np.testing.assert_allclose(model.components_, exact.components_, atol=1e-7)
    np.testing.assert_allclose(model.transform(X), exact.transform(X - 1e7), atol=1e-6)


def test_small_singular_values_keep_their_digits_by_qr():
    X = rows() * 1.0
    X[:, 0] = X[:, 1] + 1e-9 * X[:, 0]
    ours, theirs = PCA(svd_solver="full").fit(X), sklearn.decomposition.PCA(svd_solver="full").fit(X)
    np.testing.assert_allclose(ours.singular_values_, theirs.singular_values_, rtol=1e-4)


def test_digits_are_recognised_as_well_as_with_scikit_learn():
    X, y = load_digits(return_X_y=True)
    scores = [
        make_pipeline(kind(20, random_state=0), LogisticRegression(max_iter=300))
        .fit(X[::2], y[::2])
        .score(X[1::2], y[1::2])
        for kind in (PCA, sklearn.decomposition.PCA)
    ]
    assert scores[0] == pytest.approx(scores[1], abs=0.002)


def test_names_of_features_and_of_outputs_are_those_of_scikit_learn():
    frame = pd.DataFrame(rows()[:, :3], columns=list("abc"))
    model = PCA(2).set_output(transform="pandas").fit(frame)
    assert model.feature_names_in_.tolist() == list("abc")
    assert list(model.transform(frame).columns) == ["pca0", "pca1"]


# --- blocks, engines and kinds ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("svd_solver", SOLVERS)
@pytest.mark.parametrize("block_size", [1, 7, (100, 5), ((0, 59, 1, 0), (12,)), -1])
def test_blocking_does_not_change_the_result(svd_solver, block_size):
    model = PCA(3, svd_solver=svd_solver, random_state=0)
    whole = vars(model.fit(rows(60))).copy()
    cut = ds.array(rows(60), block_size=block_size)
    model.fit(cut)
    for name in LEARNED:
        np.testing.assert_allclose(getattr(model, name), whole[name], atol=1e-9)
    np.testing.assert_allclose(model.transform(cut).collect(), model.transform(rows(60)), atol=1e-12)


@pytest.mark.parametrize("svd_solver", SOLVERS)
def test_engine_does_not_change_the_result(on_every_engine, svd_solver):
    parameters = {"n_components": 3, "svd_solver": svd_solver, "random_state": 0, "iterated_power": 30}
    model = PCA(**parameters).fit(ds.array(rows(), block_size=70))
    assert_same(model, sklearn.decomposition.PCA(**parameters).fit(rows()), 1e-8)


@pytest.mark.parametrize("svd_solver", SOLVERS)
def test_streamed_rows_give_the_same(tmp_path, svd_solver):
    ds.to_zarr(ds.array(rows(), block_size=50), tmp_path / "X.zarr")
    X = ds.from_zarr(tmp_path / "X.zarr", block_size=70)
    model = PCA(3, svd_solver=svd_solver, random_state=0)
    kept = vars(model.fit(rows())).copy()
    model.fit(X)
    for name in LEARNED:
        np.testing.assert_allclose(getattr(model, name), kept[name], atol=1e-9)


def test_arrays_in_give_arrays_out_by_one_task_for_each_row_of_blocks():
    X = ds.array(rows(), block_size=(70, 5))
    model = PCA(3).fit(X)
    with count_tasks() as tasks:
        turned = model.transform(X)
        scores = model.score_samples(X)
    assert tasks.count == 2 * X.grid[0]
    assert turned.chunks == (X.chunks[0], (3,))
    assert scores.chunks == X.chunks[:1]
    assert isinstance(model.components_, np.ndarray)
    np.testing.assert_allclose(model.inverse_transform(turned).collect(), model.inverse_transform(turned.collect()))


def test_a_fit_is_one_task_for_each_row_of_blocks_and_a_tree():
    X = ds.array(rows(), block_size=30)
    with count_tasks() as tasks:
        PCA(3).fit(X)
    assert tasks.count <= 10 + 3


# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"n_components": 13}, "n_components=13 must be between 0 and min"),
        ({"n_components": 13, "svd_solver": "randomized"}, "n_components=13 must be between 1 and"),
        ({"n_components": 12, "svd_solver": "arpack"}, "must be strictly less than"),
        ({"n_components": "mle", "svd_solver": "arpack"}, "cannot be a string with svd_solver='arpack'"),
        ({"svd_solver": "lapack"}, "The 'svd_solver' parameter of PCA must be a str among"),
    ],
    ids=str,
)
def test_parameters_that_make_no_sense_are_named(parameters, words):
    with pytest.raises(ValueError, match=words):
        PCA(**parameters).fit(ds.array(rows(), block_size=70))


def test_mle_of_more_features_than_samples_is_an_error():
    with pytest.raises(ValueError, match="only supported if n_samples >= n_features"):
        PCA("mle").fit(rows(5))


@pytest.mark.parametrize("svd_solver", ["full", "randomized"])
def test_sparse_rows_are_refused_by_solvers_for_dense_ones(svd_solver):
    with pytest.raises(TypeError, match="only support sparse inputs with"):
        PCA(svd_solver=svd_solver).fit(ds.array(sparse_rows(), block_size=70))


@pytest.mark.parametrize("svd_solver", SOLVERS)
def test_numbers_that_are_not_finite_are_an_error(svd_solver, engine):
    X = rows()
    X[200, 2] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        PCA(3, svd_solver=svd_solver).fit(ds.array(X, block_size=70))
    engine._failures.clear()


def test_rows_of_another_width_cannot_be_turned_back():
    model = PCA(3).fit(rows())
    with pytest.raises(ValueError, match=r"X has shape \(300, 12\), but there are 3 components"):
        model.inverse_transform(ds.array(rows()))


def test_transform_before_fit_is_an_error():
    with pytest.raises(NotFittedError):
        PCA().transform(rows())
