"""What models hold, in files: Arrays of all kinds, indicators; and what to do about what a file cannot hold."""

import numpy as np
import pytest
import scipy.sparse
from sklearn.metrics import fbeta_score, make_scorer
from sklearn.pipeline import make_pipeline

import dsarray as ds
import estimators
from estimators import (
    DBSCAN,
    GridSearchCV,
    KNeighborsClassifier,
    KNeighborsRegressor,
    LogisticRegression,
    NearestNeighbors,
    SimpleImputer,
    StandardScaler,
    TorchClassifier,
)

X = np.random.default_rng(0).normal(size=(20, 3))
Y = np.arange(20) % 2
S = scipy.sparse.csr_matrix(np.where(X > 0, X, 0))


def value_of(found):
    found = found.collect() if isinstance(found, ds.Array) else found
    return found.toarray() if scipy.sparse.issparse(found) else found


@pytest.mark.parametrize("kind", [scipy.sparse.csr_matrix, scipy.sparse.csr_array])
@pytest.mark.parametrize("shape", [(7, -1), (7, 2), (20, 3)])
def test_sparse_arrays_stay_arrays_in_blocks(kind, shape, tmp_path):
    x = ds.array(kind(S), block_size=shape)
    model = NearestNeighbors(n_neighbors=2).fit(x)
    estimators.save(model, tmp_path / "m")
    loaded = estimators.load(tmp_path / "m")
    assert loaded._fit_X.sparse
    assert loaded._fit_X.chunks == model._fit_X.chunks
    assert type(loaded._fit_X.collect()) is type(model._fit_X.collect())
    for found, expected in zip(loaded.kneighbors(x), model.kneighbors(x), strict=True):
        assert (value_of(found) == value_of(expected)).all()


@pytest.mark.parametrize("model", [KNeighborsClassifier(), KNeighborsRegressor(), DBSCAN(min_samples=2)], ids=str)
def test_models_of_sparse_arrays_are_what_they_were(model, tmp_path):
    x = ds.array(S, block_size=(7, -1))
    model.fit(x, Y)
    estimators.save(model, tmp_path / "m")
    loaded = estimators.load(tmp_path / "m")
    name = "labels_" if isinstance(model, DBSCAN) else "_y"
    assert (value_of(getattr(loaded, name)) == value_of(getattr(model, name))).all()
    if hasattr(model, "predict"):
        assert (value_of(loaded.predict(x)) == value_of(model.predict(x))).all()


def test_blocks_without_rows_are_kept(tmp_path):
    model = KNeighborsClassifier()
    model.x_ = ds.array(S, block_size=(10, -1))[:10][10:]
    estimators.save(model, tmp_path / "m")
    assert estimators.load(tmp_path / "m").x_.shape == (0, 3)


def test_an_imputer_keeps_its_indicator(tmp_path):
    gaps = np.where(X < -1, np.nan, X)
    for x in (gaps, ds.array(gaps, block_size=7)):
        model = SimpleImputer(add_indicator=True).fit(x)
        estimators.save(model, tmp_path / "m")
        found, expected = (value_of(each.transform(x)) for each in (estimators.load(tmp_path / "m"), model))
        assert found.shape[1] > 3
        assert (found == expected).all()


def test_tuples_among_objects_stay_tuples(tmp_path):
    model = SimpleImputer()
    model.learned_ = np.empty(2, dtype=object)
    model.learned_[0], model.learned_[1] = (1, 2), [3, 4]
    estimators.save(model, tmp_path / "m")
    assert estimators.load(tmp_path / "m").learned_.tolist() == [(1, 2), [3, 4]]


def advice_of(model, path):
    with pytest.raises(TypeError) as caught:
        estimators.save(model, path)
    return str(caught.value)


class Net:
    """What would be a module."""


def test_code_is_named_at_all_places_with_what_to_do(tmp_path):
    search = GridSearchCV(TorchClassifier(), {"max_iter": [1]})
    search.estimator.module = Net
    search.best_estimator_ = TorchClassifier(module=Net)
    assert advice_of(search, tmp_path / "m") == (
        "save: GridSearchCV.estimator.module is the type Net, GridSearchCV.best_estimator_.module is the type Net, "
        "which a model file cannot hold; before, do model.estimator.set_params(module=None), "
        "model.best_estimator_.set_params(module=None), and set them again after load()."
    )
    model = search
    model.estimator.set_params(module=None)
    model.best_estimator_.set_params(module=None)
    estimators.save(model, tmp_path / "m")


def test_the_advice_can_be_followed_in_pipelines_and_attributes(tmp_path):
    model = make_pipeline(StandardScaler(), KNeighborsClassifier(weights=len, metric=max))
    model.steps[1][1].effective_metric_ = max
    advice = advice_of(model, tmp_path / "m").split("before, do ")[1].split(", and set")[0]
    assert "model.steps[1][1].set_params(weights=None)" in advice
    for step in advice.split(", "):
        exec(step, {"model": model})
    estimators.save(model, tmp_path / "m")


def test_code_inside_of_a_parameter_is_the_parameters(tmp_path):
    advice = advice_of(TorchClassifier(module_params={"f": [len]}), tmp_path / "m")
    assert "module_params['f'][0] is a builtins.builtin_function_or_method" in advice
    assert "do model.set_params(module_params=None), and" in advice


@pytest.mark.parametrize("scoring", [make_scorer(fbeta_score, beta=2), {"a": make_scorer(fbeta_score, beta=2)}, max])
def test_scorers_without_a_name_are_to_have_one(scoring, tmp_path):
    search = GridSearchCV(LogisticRegression(), {"C": [1.0]}, scoring=scoring)
    advice = advice_of(search, tmp_path / "m")
    assert "GridSearchCV.scoring" in advice
    assert advice.endswith("let scoring be the name of a scorer, such as 'accuracy', and fit again.")
    search.best_estimator_, search.scorer_ = LogisticRegression().fit(X, Y), scoring
    advice = advice_of(search, tmp_path / "m")
    assert "GridSearchCV.scorer_" in advice
    assert advice.endswith("; or save what was found, model.best_estimator_, alone.")
    estimators.save(search.best_estimator_, tmp_path / "m")


def test_searches_among_functions_save_what_they_find(tmp_path):
    search = GridSearchCV(KNeighborsClassifier(), {"weights": [len, max]})
    assert "let the search try names, numbers or texts" in advice_of(search, tmp_path / "m")
    search.best_estimator_ = KNeighborsClassifier(weights=len)
    advice = advice_of(search, tmp_path / "m")
    assert "save what was found, model.best_estimator_, alone; before, do model.best_estimator_.set_params" in advice
