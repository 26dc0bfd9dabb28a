"""Models of damaged and of hostile files: loading them is an error that names the file, never a crash later."""

import io
import json
import random
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import scipy.sparse

import estimators
from estimators import (
    CascadeSVM,
    DecisionTreeClassifier,
    GaussianMixture,
    GridSearchCV,
    KMeans,
    KNeighborsClassifier,
    NearestNeighbors,
    OneHotEncoder,
    PolynomialFeatures,
    RandomForestRegressor,
    Ridge,
)

X = np.random.default_rng(0).normal(size=(30, 3))
Y = np.arange(30) % 2
S = scipy.sparse.csr_matrix(X)
CATEGORIES = np.arange(30).reshape(10, 3) % 4


def content_of(model, path):
    """Return the table and the arrays of the file of a model."""
    estimators.save(model, path)
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    return json.loads(files.pop("model.json")), {name: np.load(io.BytesIO(data)) for name, data in files.items()}


def write(path, table, arrays):
    with zipfile.ZipFile(path, "w") as archive:
        for name, values in arrays.items():
            file = io.BytesIO()
            np.save(file, values)
            archive.writestr(name, file.getvalue())
        archive.writestr("model.json", json.dumps(table))


def shift(indices):
    return indices + 10**8


def set_all(value):
    return lambda values: np.full_like(values, value)


def part(*keys):
    """Return what finds the name of an array in the table of what was learned."""

    def find(learned):
        for key in keys:
            learned = (
                dict(map(tuple, learned["dict"]))[key] if isinstance(key, str) and "dict" in learned else learned[key]
            )
        return learned

    return find


@pytest.mark.parametrize(
    ("model", "data", "find", "change"),
    [
        (DecisionTreeClassifier(), X, part("_nodes", "feature", "array"), lambda each: np.where(each < 0, each, 10**9)),
        (DecisionTreeClassifier(), X, part("_nodes", "left_child", "array"), lambda each: np.where(each < 0, each, 0)),
        (RandomForestRegressor(2), X, part("_nodes", "right_child", "array"), lambda each: np.where(each < 0, each, 0)),
        (KNeighborsClassifier(), S, part("_fit_X", "csr", 1), shift),
        (KNeighborsClassifier(), S, part("_fit_X", "csr", 2), lambda each: each[::-1].copy()),
        (CascadeSVM(kernel="linear"), S, part("support_vectors_", "csr", 1), shift),
        (CascadeSVM(), X, part("n_support_", "array"), set_all(10**9)),
        (CascadeSVM(), X, part("support_vectors_", "array"), lambda each: each[:, :2].copy()),
        (GaussianMixture(), X, part("covariances_", "array"), set_all(-np.inf)),
        (OneHotEncoder(), CATEGORIES, part("categories_", "list", 0, "array"), lambda each: each[::-1].copy()),
        (KNeighborsClassifier(), X, part("_y", "array"), lambda each: each[:-1]),
    ],
    ids=lambda each: type(each).__name__ if hasattr(each, "fit") else "",
)
def test_arrays_that_compiled_code_would_follow_are_checked(model, data, find, change, tmp_path):
    table, arrays = content_of(model.fit(data, Y[: data.shape[0]]), tmp_path / "m")
    write(tmp_path / "m", table, arrays)
    estimators.load(tmp_path / "m")
    name = find(table["model"]["learned"])
    arrays[name] = change(arrays[name])
    write(tmp_path / "m", table, arrays)
    with pytest.raises(ValueError, match=r"load: .*m cannot be read as a model \(.*\); it may be damaged\.$"):
        estimators.load(tmp_path / "m")


@pytest.mark.parametrize(
    ("model", "data", "name", "value"),
    [
        (NearestNeighbors(), X, "n_samples_fit_", 3),
        (NearestNeighbors(), X, "n_features_in_", 2),
        (OneHotEncoder(), CATEGORIES, "_n_features_outs", {"list": [1, 1, 1]}),
        (PolynomialFeatures(), X, "_n_out_full", 10**12),
        (PolynomialFeatures(), X, "_max_degree", 10**12),
        (DecisionTreeClassifier(), X, "n_features_in_", 1),
        (DecisionTreeClassifier(), X, "n_outputs_", 10**12),
        (Ridge(), X, "coef_", {"range": [0, 10**10, 1]}),
        (Ridge(), X, "coef_", {"masked": [{"range": [0, 10**10, 1]}, 0, 0]}),
    ],
)
def test_numbers_that_do_not_fit_are_refused(model, data, name, value, tmp_path):
    table, arrays = content_of(model.fit(data, Y[: data.shape[0]]), tmp_path / "m")
    table["model"]["learned"][name] = value
    write(tmp_path / "m", table, arrays)
    with pytest.raises(ValueError, match=r"load: .*m (cannot be read as a model|holds).* damaged"):
        estimators.load(tmp_path / "m")


@pytest.mark.parametrize(
    ("grouping", "dropped"),
    [
        ([0, 9, 1, 2], [None, 0, 0]),
        ([0, 1, -1, 1], [None, 0, 0]),
        ([0, 1, 2, 1], [0, 0, 9]),
        ([0, 1, 1, 1], [0, 0.5, 0]),
    ],
)
def test_encoders_that_write_outside_are_refused(grouping, dropped, tmp_path):
    rows = np.repeat(CATEGORIES, 3, axis=0)[1:]
    model = OneHotEncoder(min_frequency=8, drop="first", sparse_output=False).fit(rows)
    estimators.save(model, tmp_path / "m")
    assert (estimators.load(tmp_path / "m").transform(rows) == model.transform(rows)).all()
    model._default_to_infrequent_mappings[0] = np.array(grouping)
    model._drop_idx_after_grouping = np.array(dropped, dtype=object)
    estimators.save(model, tmp_path / "m")
    with pytest.raises(ValueError, match=r"are grouped as|are dropped, of|features in place of"):
        estimators.load(tmp_path / "m")


def test_ranges_of_searches_may_be_long(tmp_path):
    search = GridSearchCV(Ridge(), {"alpha": range(10**12)}, cv=[(range(10**10), range(10**10, 10**11))])
    estimators.save(search, tmp_path / "m")
    assert estimators.load(tmp_path / "m").cv == search.cv


@pytest.mark.parametrize(
    "content",
    [
        {
            "described": "splitter",
            "name": "PredefinedSplit",
            "arguments": {"dict": [["test_fold", {"range": [0, 10**11, 1]}]]},
        },
        {
            "described": "splitter",
            "name": "_CVIterableWrapper",
            "arguments": {"dict": [["cv", {"range": [0, 10**11, 1]}]]},
        },
        {"described": "splitter", "name": "_CVIterableWrapper", "arguments": {"dict": [["cv", "x"]]}},
    ],
)
def test_splitters_do_not_fill_the_memory(content, tmp_path):
    table, arrays = content_of(GridSearchCV(Ridge(), {}), tmp_path / "m")
    table["model"]["parameters"]["cv"] = content
    write(tmp_path / "m", table, arrays)
    with pytest.raises(ValueError, match="damaged"):
        estimators.load(tmp_path / "m")


def test_a_grid_has_as_many_blocks_as_it_says(tmp_path):
    table, arrays = content_of(Ridge(), tmp_path / "m")
    table["model"]["learned"] = {"x": {"blocks": [], "chunks": [[1] * 100] * 6, "type": "<f8"}}
    write(tmp_path / "m", table, arrays)
    with pytest.raises(ValueError, match="holds 0 blocks for a grid of"):
        estimators.load(tmp_path / "m")


def test_an_array_is_not_there_twice(tmp_path):
    table, arrays = content_of(Ridge().fit(X, Y), tmp_path / "m")
    table["model"]["learned"]["x"] = {"list": [table["model"]["learned"]["coef_"]] * 3}
    write(tmp_path / "m", table, arrays)
    with pytest.raises(ValueError, match="used twice"):
        estimators.load(tmp_path / "m")


@pytest.mark.parametrize(
    "model", [KMeans(2, random_state=np.random.RandomState(0)), KNeighborsClassifier()], ids=["kmeans", "neighbors"]
)
def test_all_damage_is_a_value_error_that_names_the_file(model, tmp_path):
    estimators.save(model.fit(S, Y), tmp_path / "m")
    whole = (tmp_path / "m").read_bytes()
    rng = random.Random(0)
    n_refused = 0
    for _ in range(300):
        content = bytearray(whole)
        for _ in range(rng.randint(1, 8)):
            content[rng.randrange(len(whole))] = rng.randrange(256)
        (tmp_path / "m").write_bytes(content[: rng.choice([None, rng.randrange(len(whole))])])
        try:
            estimators.load(tmp_path / "m")
        except ValueError as error:
            assert str(error).startswith(f"load: {tmp_path / 'm'} ")  # noqa: PT017 - some are not damaged
            n_refused += 1
    assert n_refused > 200


HANG = """
import sys
import numpy as np
import estimators
X = np.random.default_rng(0).normal(size=(30, 3))
for path in sys.argv[1:]:
    try:
        estimators.load(path).predict(X)
    except ValueError as error:
        print(str(error)[:5])
"""


@pytest.mark.slow
def test_damaged_trees_neither_crash_nor_hang_the_interpreter(tmp_path):
    table, arrays = content_of(DecisionTreeClassifier(random_state=0).fit(X, Y), tmp_path / "m")
    rng, paths = np.random.default_rng(0), []
    for position in range(60):
        name = rng.choice(sorted(arrays))
        damaged = arrays[name].copy()
        if damaged.dtype.kind == "i":
            damaged.flat[rng.integers(damaged.size)] = rng.choice([-2, -1, 0, 1, 5, 10**9])
        paths.append(tmp_path / str(position))
        write(paths[-1], table, arrays | {name: damaged})
    done = subprocess.run([sys.executable, "-c", HANG, *map(str, paths)], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) == {"load:"}
