"""Models in files: what is saved is loaded, nothing else is, and nothing in a file is run."""

import json
import zipfile

import numpy as np
import pytest
import scipy.sparse
import sklearn.cluster

import dsarray as ds
import estimators
from estimators.cluster import KMeans

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
}


def same(found, expected):
    assert type(found) is type(expected)
    if isinstance(expected, np.ndarray):
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


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (len, "learned_ is a builtins.builtin_function_or_method, which a model file cannot hold"),
        ([{"x": object()}], r"learned_\[0\]\['x'\] is a builtins.object"),
        (sklearn.cluster.KMeans(), "sklearn.cluster._kmeans.KMeans, which is no estimator of this library"),
        (int, "learned_ is the type int"),
        (np.zeros(1, [("a", int)]), "has records"),
    ],
)
def test_what_cannot_be_written_is_named_and_leaves_the_old_file(value, words, model, tmp_path):
    estimators.save(model, tmp_path / "m")
    model.learned_ = value
    with pytest.raises(TypeError, match=words):
        estimators.save(model, tmp_path / "m")
    assert estimators.load(tmp_path / "m").n_clusters == 2
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


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


GOOD = {"format": "dsflow model", "version": 1}
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
    ],
)
def test_what_is_no_model_is_refused(header, words, tmp_path):
    write(tmp_path / "m", header)
    with pytest.raises(ValueError, match=words):
        estimators.load(tmp_path / "m")


def test_a_pickle_in_an_array_is_not_run(tmp_path):
    np.save(tmp_path / "evil.npy", np.array([Evil()], dtype=object), allow_pickle=True)
    evil = (tmp_path / "evil.npy").read_bytes()
    write(tmp_path / "m", {**GOOD, "model": {**KMEANS, "learned": {"x": {"array": "0.npy"}}}}, **{"0": evil})
    with pytest.raises(ValueError, match="allow_pickle=False"):
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
