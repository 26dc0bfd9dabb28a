"""ALS finds factors that predict ratings, whatever the blocks and the engine."""

import pickle

import numpy as np
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils.estimator_checks import estimator_checks_generator

import dsarray as ds
import estimators
from estimators.recommendation import ALS, _ranking

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def ratings(n_users=120, n_items=80, density=0.3, n_factors=3, noise=0.1, seed=0):
    """Ratings for training and for testing, that few factors explain; some items are more popular."""
    rng = np.random.default_rng(seed)
    users, items = rng.normal(size=(n_users, n_factors)), rng.normal(size=(n_items, n_factors))
    values = 3 + users @ items.T / np.sqrt(n_factors) + noise * rng.normal(size=(n_users, n_items))
    is_rated = rng.random((n_users, n_items)) < density * 2 * rng.random(n_items)
    is_test = rng.random((n_users, n_items)) < 0.1
    return [scipy.sparse.csr_matrix(np.where(is_rated & part, values, 0)) for part in (~is_test, is_test)]


KINDS = {
    "CSR matrix": lambda matrix: matrix,
    "COO array": scipy.sparse.coo_array,
    "ndarray": lambda matrix: matrix.toarray(),
    "sparse Array": lambda matrix: ds.array(matrix, block_size=31),
    "sparse Array of blocks": lambda matrix: ds.array(matrix, block_size=(31, 17)),
    "Array": lambda matrix: ds.array(matrix.toarray(), block_size=50),
    "empty blocks": lambda matrix: ds.array(matrix, block_size=((0, 100, 1, 0, 19), 80)),
    "one-row blocks": lambda matrix: ds.array(matrix, block_size=((1,) * 5 + (115,), 80)),
}


# --- quality ----------------------------------------------------------------------------------------------------------


def test_held_out_ratings_are_predicted_up_to_their_noise():
    train, test = ratings(400, 200)
    model = ALS(4, reg=0.01, max_iter=40, random_state=0).fit(train)
    assert -model.score(test) < 0.2
    assert model.loss_ < 0.1
    np.testing.assert_allclose(-model.score(train), model.loss_)


def test_more_iterations_are_better():
    train, _ = ratings()
    losses = [ALS(4, reg=0.01, max_iter=n, tol=0, random_state=0).fit(train).loss_ for n in (1, 2, 4, 8)]
    assert losses == sorted(losses, reverse=True)


def test_likes_that_were_left_out_are_recommended():
    rng = np.random.default_rng(0)
    groups_of_users, groups_of_items = rng.integers(0, 4, 200), rng.integers(0, 4, 100)
    likes = (groups_of_users[:, None] == groups_of_items) & (rng.random((200, 100)) < 0.3)
    counts = scipy.sparse.csr_matrix(likes * rng.integers(1, 5, (200, 100)).astype(float))
    model = ALS(8, implicit=True, alpha=5, reg=0.1, max_iter=10, random_state=0).fit(counts)
    items, scores = model.recommend(np.arange(200), 5, exclude=counts)
    assert (groups_of_items[items] == groups_of_users[:, None]).mean() > 0.95
    assert (np.diff(scores, axis=1) <= 0).all()
    similar, cosines = model.similar_items(np.arange(100), 3)
    assert (groups_of_items[similar] == groups_of_items[:, None]).mean() > 0.95
    assert ((cosines <= 1 + 1e-9) & (similar != np.arange(100)[:, None])).all()


def test_the_implicit_loss_is_that_of_all_pairs():
    train, _ = ratings()
    model = ALS(4, implicit=True, alpha=3, max_iter=2, tol=0, random_state=0).fit(train)
    confidence = 1 + 3 * np.abs(train.toarray())
    errors = (train.toarray() > 0) - model.users_ @ model.items_.T
    np.testing.assert_allclose(model.loss_, np.sqrt((confidence * errors**2).sum() / confidence.sum()))


# --- blocks and engines -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("implicit", [False, True], ids=["explicit", "implicit"])
def test_the_kind_of_ratings_and_their_blocks_do_not_matter(kind, implicit):
    train, test = ratings()
    model = ALS(4, implicit=implicit, reg=0.1, max_iter=3, random_state=0)
    expected = clone(model).fit(train)
    found = model.fit(kind(train))
    np.testing.assert_allclose(found.users_, expected.users_, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.items_, expected.items_, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.loss_, expected.loss_)
    np.testing.assert_allclose(found.score(kind(test)), expected.score(test))


def test_the_engine_does_not_matter(on_every_engine):
    train, _ = ratings()
    model = ALS(4, max_iter=3, random_state=0).fit(ds.array(train, block_size=40))
    np.testing.assert_allclose(-model.score(train), model.loss_)
    items, _ = model.recommend([0, 1], 3, exclude=ds.array(train, block_size=40))
    assert items.shape == (2, 3)


def test_single_precision_stays_single():
    train, _ = ratings()
    model = ALS(4, max_iter=3, random_state=0).fit(train.astype(np.float32))
    assert model.users_.dtype == model.items_.dtype == np.float32
    np.testing.assert_allclose(model.loss_, ALS(4, max_iter=3, random_state=0).fit(train).loss_, rtol=1e-3)


def test_users_and_items_without_ratings():
    train, _ = ratings()
    train = scipy.sparse.csr_matrix(scipy.sparse.block_diag([train, scipy.sparse.csr_matrix((3, 2))]))
    model = ALS(4, max_iter=3, random_state=0).fit(train)
    assert not model.users_[-3:].any()
    assert not model.items_[-2:].any()
    assert ALS(4).fit(scipy.sparse.csr_matrix((5, 4))).loss_ == 0


# --- predictions ------------------------------------------------------------------------------------------------------


def test_predictions_are_products():
    model = ALS(4, max_iter=3, random_state=0).fit(ratings()[0])
    everything = model.users_ @ model.items_.T
    assert model.predict(110, 70) == pytest.approx(everything[110, 70])
    np.testing.assert_allclose(model.predict([110, 5], [70, 1]), everything[[110, 5], [70, 1]])
    np.testing.assert_allclose(model.predict([[110], [5]], [70, 1, 2]), everything[[110, 5]][:, [70, 1, 2]])


@pytest.mark.parametrize("scores", [1 << 22, 100])
def test_recommendations_are_the_best_that_are_not_excluded(scores, monkeypatch):
    monkeypatch.setattr(_ranking, "_SCORES", scores)
    train, _ = ratings()
    model = ALS(4, max_iter=3, random_state=0).fit(train)
    everything = model.users_ @ model.items_.T
    users = [7, 119, 7]
    items, found = model.recommend(users, 6)
    np.testing.assert_array_equal(items, np.argsort(-everything[users], axis=1)[:, :6])
    np.testing.assert_allclose(found, -np.sort(-everything[users], axis=1)[:, :6])
    new, _ = model.recommend(users, 6, exclude=train)
    assert not train.toarray()[np.array(users)[:, None], new].any()
    few, none = model.recommend([7], 100, exclude=train)
    n_left = 80 - train[7].nnz
    assert (few[0, n_left:] == -1).all()
    assert np.isneginf(none[0, n_left:]).all()
    assert sorted(few[0, :n_left]) == sorted(np.flatnonzero(train[7].toarray()[0] == 0))


# --- contract ---------------------------------------------------------------------------------------------------------


class Factors(ALS):
    """Without `predict`, to which checks would pass samples."""

    @property
    def predict(self):
        raise AttributeError("predict")


CHECKS = [check for _, check in estimator_checks_generator(Factors(2, max_iter=3))]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: getattr(check, "func", check).__name__)
@pytest.mark.parametrize("block_size", [None, 7])
@pytest.mark.filterwarnings("ignore")
def test_passes_the_checks_of_scikit_learn(check, block_size):
    with ds.config(block_size=block_size):
        check(Factors(2, max_iter=3))


def test_a_model_is_the_same_from_a_file_and_from_a_pickle(tmp_path):
    model = ALS(4, max_iter=3, random_state=0).fit(ratings()[0])
    estimators.save(model, tmp_path / "model")
    for copy in (estimators.load(tmp_path / "model"), pickle.loads(pickle.dumps(model))):
        assert vars(copy).keys() == vars(model).keys()
        np.testing.assert_array_equal(copy.recommend([3])[0], model.recommend([3])[0])


def test_errors(engine):
    train, _ = ratings()
    model = ALS(4, max_iter=2, random_state=0)
    with pytest.raises(NotFittedError):
        model.predict(0, 0)
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        model.fit(train)
    with pytest.raises(IndexError, match="users from 0 to 120"):
        model.predict([0, 120], 0)
    with pytest.raises(IndexError, match="items from -1"):
        model.similar_items(-1)
    with pytest.raises(TypeError, match="give integers"):
        model.recommend([0.5])
    with pytest.raises(ValueError, match="n_items=0"):
        model.recommend([0], 0)
    with pytest.raises(ValueError, match="119 users"):
        model.score(train[1:])
    for name, value in (("n_factors", 0), ("reg", 0), ("alpha", -1), ("max_iter", 0)):
        with pytest.raises(ValueError, match=name):
            ALS(**{name: value}).fit(train)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        model.fit(train * np.nan)
    engine._failures.clear()
