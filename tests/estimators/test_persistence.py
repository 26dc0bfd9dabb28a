"""Models in files: what is saved is loaded, nothing else is, and nothing in a file is run."""

import functools
import json
import zipfile

import numpy as np
import pytest
import scipy.sparse
import scipy.stats
import sklearn.cluster
import sklearn.metrics
import sklearn.svm
from sklearn.base import clone
from sklearn.callback import ProgressBar
from sklearn.datasets import load_iris
from sklearn.metrics import make_scorer
from sklearn.model_selection import PredefinedSplit
from sklearn.pipeline import Pipeline, make_pipeline

import dsarray as ds
import estimators
from estimators.cluster import KMeans
from estimators.linear_model import LogisticRegression, Ridge
from estimators.metrics import get_scorer
from estimators.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    KFold,
    RandomizedSearchCV,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
)
from estimators.preprocessing import MinMaxScaler, StandardScaler

VALUES = {
    "nothing": None,
    "numbers": [True, 3, -2.5, float("inf"), 10**30, 1 + 2j, np.float32(0.1), np.int8(-3)],
    "texts": ("ä", b"\x00\xff", np.str_("x")),
    "arrays": [
        np.arange(6.0).reshape(2, 3),
        np.array(["a", "bb"]),
        np.array([1, "x", None], dtype=object),
        np.zeros(0),
    ],
    "times": np.array(["2020-01-01"], "M8[D]"),
    "many": {(1, "x"): [{}], None: {3, 4}, "range": range(1, 9, 2), "slice": slice(None, 3)},
    "types": [np.float64, np.dtype("<f4")],
    "sparse": scipy.sparse.random_array((5, 4), density=0.5, rng=0, format="csr"),
    "0-d": np.array(3.0),
    "masked": [
        np.ma.MaskedArray([1.0, 2.0], [True, False]),
        np.ma.MaskedArray(np.array(["a", None], dtype=object), False, fill_value="?"),
    ],
}


def same(found, expected):
    assert type(found) is type(expected)
    if isinstance(expected, np.ma.MaskedArray):
        same(found.filled(), expected.filled())
        same(found.data, expected.data)
    elif isinstance(expected, np.ndarray):
        assert found.dtype == expected.dtype
        assert found.shape == expected.shape
        assert found.tolist() == expected.tolist()
    elif scipy.sparse.issparse(expected):
        same(found.toarray(), expected.toarray())
    elif isinstance(expected, (list, tuple)):
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            same(a, b)
    elif isinstance(expected, dict):
        assert list(found) == list(expected)
        for key, value in expected.items():
            same(found[key], value)
    else:
        assert found == expected


class Pareto(scipy.stats.rv_continuous):
    """A distribution of the user's."""


@pytest.fixture
def model():
    return KMeans(n_clusters=2, random_state=0).fit(np.array([[0.0], [1.0], [10.0]]))


@pytest.mark.parametrize("name", VALUES)
def test_values_are_what_they_were(name, model, tmp_path):
    model.learned_ = VALUES[name]
    estimators.save(model, tmp_path / "m")
    same(estimators.load(tmp_path / "m").learned_, VALUES[name])


def test_parameters_and_random_states_are_kept(model, tmp_path):
    model.set_params(random_state=np.random.RandomState(3), tol=0.5)
    estimators.save(model, tmp_path / "m")
    loaded = estimators.load(tmp_path / "m")
    assert loaded.tol == 0.5
    assert loaded.random_state.rand() == model.random_state.rand()


def test_arrays_of_workers_stay_arrays_in_blocks(tmp_path):
    X = ds.random_array((20, 2), block_size=7, random_state=0)
    model = KMeans(n_clusters=2, random_state=0).fit(X)
    estimators.save(model, tmp_path / "m")
    labels = estimators.load(tmp_path / "m").labels_
    assert isinstance(labels, ds.Array)
    assert labels.chunks == ((7, 7, 6),)
    assert np.array_equal(labels, model.labels_)


def test_models_in_models_are_kept(model, tmp_path):
    model.inner_ = KMeans(3)
    estimators.save(model, tmp_path / "m")
    assert estimators.load(tmp_path / "m").inner_.n_clusters == 3


SPLITTERS = [
    StratifiedKFold(4, shuffle=True, random_state=1),
    ShuffleSplit(2, test_size=0.25),
    RepeatedKFold(n_splits=2, n_repeats=3, random_state=0),
    TimeSeriesSplit(2, gap=1),
    PredefinedSplit([0, 1, -1]),
]


@pytest.mark.parametrize("splitter", SPLITTERS, ids=lambda each: type(each).__name__)
def test_splitters_are_what_they_were(splitter, model, tmp_path):
    model.learned_ = splitter
    estimators.save(model, tmp_path / "m")
    found = estimators.load(tmp_path / "m").learned_
    assert type(found) is type(splitter)
    assert repr(found) == repr(splitter)


def test_distributions_are_what_they_were(model, tmp_path):
    model.learned_ = [scipy.stats.loguniform(1e-3, 1e3), scipy.stats.randint(1, high=9), scipy.stats.uniform(scale=2)]
    estimators.save(model, tmp_path / "m")
    for found, expected in zip(estimators.load(tmp_path / "m").learned_, model.learned_, strict=True):
        assert found.rvs(5, random_state=0).tolist() == expected.rvs(5, random_state=0).tolist()


@pytest.mark.parametrize("scorer", [sklearn.metrics.get_scorer("f1_macro"), get_scorer("neg_log_loss")], ids=repr)
def test_scorers_that_have_a_name_are_what_they_were(scorer, model, tmp_path):
    model.learned_ = scorer
    estimators.save(model, tmp_path / "m")
    assert repr(estimators.load(tmp_path / "m").learned_) == repr(scorer)


X, Y = load_iris(return_X_y=True)
STEPS = [("scale", StandardScaler()), ("skip", "passthrough"), ("classify", LogisticRegression())]
SEARCHES = [
    GridSearchCV(LogisticRegression(), [{"C": [0.1, 1.0]}, {"fit_intercept": [False]}], cv=KFold(3)),
    GridSearchCV(Pipeline(STEPS), {"classify__C": [0.1], "scale": [MinMaxScaler(), "passthrough"]}, scoring="accuracy"),
    GridSearchCV(KMeans(), {"n_clusters": [2, 3]}, refit=False, cv=[(range(75), range(75, 150))]),
    RandomizedSearchCV(
        LogisticRegression(),
        {"C": scipy.stats.loguniform(0.1, 1)},
        n_iter=2,
        scoring=["accuracy", "f1_macro"],
        refit="f1_macro",
        random_state=0,
    ),
    HalvingGridSearchCV(Ridge(), {"alpha": [0.1, 1.0, 2.0]}, cv=2),
    HalvingRandomSearchCV(Ridge(), {"alpha": scipy.stats.uniform()}, cv=2, random_state=0),
]


@pytest.mark.parametrize("search", SEARCHES, ids=lambda each: type(each).__name__)
def test_searches_are_what_they_were(search, tmp_path):
    estimators.save(search, tmp_path / "m")
    assert repr(clone(estimators.load(tmp_path / "m")).get_params().keys()) == repr(search.get_params().keys())
    x = ds.array(X, block_size=40)
    search.fit(x, Y)
    estimators.save(search, tmp_path / "m")
    loaded = estimators.load(tmp_path / "m")
    assert vars(loaded).keys() == vars(search).keys()
    assert repr(loaded.cv_results_) == repr(search.cv_results_)
    assert repr(loaded) == repr(search) or "0x" in repr(search)
    if search.refit:
        assert isinstance(loaded.predict(x), ds.Array)
        np.testing.assert_array_equal(loaded.predict(X), search.predict(X))
        assert loaded.score(x, Y) == search.score(x, Y)


def test_pipelines_are_what_they_were(tmp_path):
    model = Pipeline(STEPS).fit(X, Y)
    estimators.save(model, tmp_path / "m")
    loaded = estimators.load(tmp_path / "m")
    assert type(loaded) is Pipeline
    assert repr(loaded) == repr(model)
    np.testing.assert_array_equal(loaded.predict_proba(ds.array(X, block_size=40)), model.predict_proba(X))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (len, "learned_ is a builtins.builtin_function_or_method, which a model file cannot hold"),
        ([{"x": object()}], r"learned_\[0\]\['x'\] is a builtins.object"),
        (sklearn.cluster.KMeans(), "sklearn.cluster._kmeans.KMeans, which is no estimator of this library"),
        (int, "learned_ is the type int"),
        (np.zeros(1, [("a", int)]), "has records"),
        (make_scorer(len), "learned_ is a sklearn.metrics._scorer._Scorer"),
        (Pareto(name="norm")(), "learned_ is a scipy.stats.*rv_continuous_frozen"),
        (
            GridSearchCV(sklearn.svm.SVC(), {"C": [1.0]}),
            r"learned_\.estimator is a sklearn.svm._classes.SVC, which is no",
        ),
        (make_pipeline(sklearn.svm.SVC()), r"learned_\.steps\[0\]\[1\] is a sklearn.svm._classes.SVC, which is no"),
        (Pipeline(STEPS, memory="/tmp"), "learned_.memory is '/tmp', a cache of pickles"),
        (GridSearchCV(Ridge(), {}, cv=iter([])), r"learned_\.cv is a builtins.list_iterator"),
    ],
)
def test_what_cannot_be_written_is_named_and_leaves_the_old_file(value, words, model, tmp_path):
    estimators.save(model, tmp_path / "m")
    model.learned_ = value
    with pytest.raises(TypeError, match=words):
        estimators.save(model, tmp_path / "m")
    assert estimators.load(tmp_path / "m").n_clusters == 2
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


@pytest.mark.parametrize("value", [{"labels": [1]}, 3, ds.array([1.0])])
def test_what_is_no_model_is_not_written(value, model, tmp_path):
    estimators.save(model, tmp_path / "m")
    with pytest.raises(TypeError, match=r"save: a (dict|int|Array) is no model; give an estimator"):
        estimators.save(value, tmp_path / "m")
    assert estimators.load(tmp_path / "m").n_clusters == 2


def test_a_folder_that_is_not_there_is_named(model, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no such folder; make it first: '.*nowhere'"):
        estimators.save(model, tmp_path / "nowhere" / "m")


def test_a_zip_file_of_others_is_no_model(tmp_path):
    np.savez(tmp_path / "m.npz", x=1)
    with pytest.raises(ValueError, match="is no model of this library"):
        estimators.load(tmp_path / "m.npz")


def test_what_holds_itself_is_refused(model, tmp_path):
    model.learned_ = []
    model.learned_.append(model.learned_)
    with pytest.raises(TypeError, match="holds itself"):
        estimators.save(model, tmp_path / "m")


def write(path, header, **files):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.json", header if isinstance(header, str) else json.dumps(header))
        for name, content in files.items():
            archive.writestr(f"{name}.npy", content)


def described(kind, name, *items):
    content = {"described": kind, "name": name, "arguments": {"dict": items}}
    return {**GOOD, "model": {**KMEANS, "learned": {"x": content}}}


GOOD = {"format": "dsflow model", "version": 1}
PIPELINE = {"estimator": "Pipeline", "parameters": {"steps": {"list": []}}}
KMEANS = {"estimator": "KMeans", "parameters": {}, "learned": {}}


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("{", "cannot be read as a model"),
        ([], "is no model of this library"),
        ({"format": "other"}, "is no model of this library"),
        ({**GOOD, "version": 2, "model": KMEANS}, "has version 2 of the format"),
        ({**GOOD}, "cannot be read as a model"),
        ({**GOOD, "model": {"estimator": "os.system"}}, "an estimator named 'os.system'"),
        ({**GOOD, "model": {**KMEANS, "learned": {"x": {"eval": "1"}}}}, "a value of unknown kind"),
        ({**GOOD, "model": {**KMEANS, "learned": {"x": {"numpy type": "load"}}}}, "the type 'load'"),
        ({**GOOD, "model": {**KMEANS, "learned": {"x": [1]}}}, "a list where a value was expected"),
        ({**GOOD, "model": {**KMEANS, "learned": {"x": {"array": "9.npy"}}}}, "cannot be read as a model"),
        ({**GOOD, "model": {**PIPELINE, "learned": {"memory": "/tmp"}}}, "a pipeline with a cache of pickles"),
        (described("splitter", "os.system"), "the splitter 'os.system', which this release does not know"),
        (described("scorer", "get_scorer"), "the scorer 'get_scorer'"),
        (described("distribution", "kstest"), "the distribution 'kstest'"),
        (described("code", "norm"), "the code 'norm'"),
        (described("splitter", "KFold", ["x", 1]), "the splitter 'KFold' with arguments that it does not take"),
    ],
)
def test_what_is_no_model_is_refused(header, words, tmp_path):
    write(tmp_path / "m", header)
    with pytest.raises(ValueError, match=words):
        estimators.load(tmp_path / "m")


@pytest.mark.parametrize(
    "model",
    [
        5,
        {"dtype": "zzz"},
        {"masked": [1]},
        {"blocks": []},
        {"dict": [[{"list": []}, 1]]},
        {**KMEANS, "parameters": []},
        {**KMEANS, "parameters": {"unknown": 1}},
        functools.reduce(lambda inner, _: {"list": [inner]}, range(400), 1),
    ],
)
def test_what_save_does_not_write_is_damaged(model, tmp_path):
    write(tmp_path / "m", {**GOOD, "model": model})
    with pytest.raises(ValueError, match="damaged"):
        estimators.load(tmp_path / "m")


def test_callbacks_are_not_of_the_model(tmp_path):
    fitted = estimators.KMeans(2, random_state=0).set_callbacks(ProgressBar()).fit(np.arange(10.0).reshape(5, 2))
    estimators.save(fitted, tmp_path / "m")
    assert not hasattr(estimators.load(tmp_path / "m"), "_skl_callbacks")


def test_a_distribution_with_bounds_of_its_own_is_refused(tmp_path):
    odd = type(scipy.stats.uniform)(a=5, b=6, name="uniform")()
    with pytest.raises(TypeError, match="rv_"):
        estimators.save(estimators.RandomizedSearchCV(estimators.Ridge(), {"alpha": odd}), tmp_path / "m")


def test_a_pickle_in_an_array_is_not_run(tmp_path):
    np.save(tmp_path / "evil.npy", np.array([Evil()], dtype=object), allow_pickle=True)
    evil = (tmp_path / "evil.npy").read_bytes()
    write(tmp_path / "m", {**GOOD, "model": {**KMEANS, "learned": {"x": {"array": "0.npy"}}}}, **{"0": evil})
    with pytest.raises(ValueError, match="elements of dtype object, which save"):
        estimators.load(tmp_path / "m")


class Evil:
    def __reduce__(self):
        return pytest.fail, ("it ran",)


def test_files_that_are_not_there_or_cut_are_errors(model, tmp_path):
    with pytest.raises(FileNotFoundError):
        estimators.load(tmp_path / "nothing")
    estimators.save(model, tmp_path / "m")
    content = (tmp_path / "m").read_bytes()
    (tmp_path / "m").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="cannot be read as a model"):
        estimators.load(tmp_path / "m")
