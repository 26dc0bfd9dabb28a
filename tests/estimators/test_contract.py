"""What all estimators have to do, over one table: scikit-learn's checks, which a counterpart there passes too.

Each check runs on data cut in blocks of 7 rows, so that no path hides behind a single block, and (slow) on data left
whole.
"""

import inspect
import itertools
import pickle
import re

import numpy as np
import pytest
import scipy.sparse
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.datasets import make_blobs
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import estimator_checks_generator

import dsarray as ds
import dsflow
import estimators
from tests.estimators.table import TABLE, Row

pytestmark = pytest.mark.filterwarnings("ignore")  # checks provoke warnings, and look at those that matter

METHODS = ("predict", "predict_proba", "decision_function", "transform")
MORE_METHODS = (*METHODS, "predict_log_proba", "score_samples", "kneighbors", "kneighbors_graph", "apply")


def name_of(check):
    return getattr(check, "func", check).__name__


def checks_of(estimator):
    return [check for _, check in estimator_checks_generator(estimator, legacy=True)]


def title(row):
    return type(row.estimator).__name__


each_row = pytest.mark.parametrize("row", TABLE, ids=title)


def marks_of(row, check, block_size):
    faces_it_again = sum(title(each) == title(row) for each in TABLE[TABLE.index(row) :]) > 1
    marks = [] if block_size and not faces_it_again else [pytest.mark.slow]
    if name_of(check) in row.fails:
        marks.append(pytest.mark.xfail(strict=True, reason="so does scikit-learn's"))
    return marks


CASES = [
    pytest.param(
        row.estimator,
        check,
        block_size,
        id=f"{title(row)}-{re.sub('^check_', '', name_of(check))}-{block_size or 'whole'}",
        marks=marks_of(row, check, block_size),
    )
    for row in TABLE
    for block_size in (None, 7)
    for check in checks_of(row.estimator)
]


@pytest.mark.parametrize(("estimator", "check", "block_size"), CASES)
def test_passes_the_checks_of_scikit_learn(estimator, check, block_size):
    with ds.config(block_size=block_size):
        check(estimator)


@each_row
def test_faces_the_checks_that_its_counterpart_faces(row):
    if row.counterpart is None:
        return
    ours, theirs = ({name_of(check) for check in checks_of(each)} for each in (row.estimator, row.counterpart))
    assert theirs <= ours


@each_row
def test_nothing_is_allowed_that_its_counterpart_passes(row):
    if row.counterpart is None:
        assert not row.fails
        return
    allowed = [check for check in checks_of(row.counterpart) if name_of(check) in row.fails]
    assert len({name_of(check) for check in allowed}) == len(row.fails)
    for check in allowed:
        with pytest.raises(AssertionError):
            check(clone(row.counterpart))


@each_row
def test_takes_the_parameters_of_its_counterpart(row):
    if row.counterpart is not None:
        assert row.counterpart.get_params().keys() - row.lacks <= row.estimator.get_params().keys()


@each_row
@pytest.mark.parametrize("method", METHODS)
def test_output_follows_the_kind_of_that_calls_X(row, method):
    X, y = data_for(row)
    estimator = fitted(row, X, y)
    if not hasattr(estimator, method):
        pytest.skip(f"{title(row)} has no {method}")
    expected = getattr(estimator, method)(X)
    given = getattr(estimator, method)(ds.array(X, block_size=7))
    assert isinstance(given, ds.Array)
    assert given.shape == expected.shape
    assert given.dtype == expected.dtype
    assert_close(dense(given.collect()), dense(expected), 1e-9)


@each_row
@pytest.mark.parametrize("y_dtype", [np.float32, float])
def test_results_of_float32_have_the_types_that_its_counterpart_gives(row, y_dtype):
    X, y = data_for(row)
    X, y = X.astype(np.float32), y.astype(y_dtype) if is_regressor(row.estimator) else y
    if row.counterpart is None:
        pytest.skip(f"{title(row)} has no counterpart")
    expected = types(row.counterpart, X, y)
    assert types(row.estimator, X, y) == expected
    assert types(row.estimator, ds.array(X, block_size=9), y) == expected


@each_row
def test_a_subclass_may_have_a_parameter_more(row):
    X, y = data_for(row)
    x = ds.array(X, block_size=9)
    kind = type(row.estimator)

    def __init__(self, extra=0, **parameters):
        kind.__init__(self, **parameters)
        self.extra = extra

    given = inspect.signature(kind).parameters.values()
    more = inspect.Parameter("extra", inspect.Parameter.KEYWORD_ONLY, default=0)
    __init__.__signature__ = inspect.Signature([inspect.Parameter("self", more.POSITIONAL_ONLY), *given, more])
    wider = type("Wider", (kind,), {"__init__": __init__})
    model = fitted(row._replace(estimator=wider(**row.estimator.get_params(deep=False), extra=1)), x, y)
    assert model.get_params()["extra"] == 1
    assert_alike(outputs(model, x), outputs(fitted(row, x, y), x), 1e-9)


@each_row
@pytest.mark.parametrize("kind", [scipy.sparse.csr_matrix, ds.array])
def test_sparse_targets_are_refused(row, kind):
    X, y = data_for(row)
    if not is_classifier(row.estimator) and not is_regressor(row.estimator):
        pytest.skip(f"{title(row)} has no targets")
    with pytest.raises(TypeError, match="Sparse data was passed for y, but dense data is required"):
        fitted(row, ds.array(X, block_size=9), kind(scipy.sparse.csr_array(y[:, None])))


@each_row
def test_score_leaves_predictions_and_targets_where_they_are(row, monkeypatch):
    X, y = data_for(row)
    if not is_classifier(row.estimator) and not is_regressor(row.estimator):
        pytest.skip(f"{title(row)} has no targets")
    x, targets = ds.array(X, block_size=9), ds.array(y, block_size=7)
    model = fitted(row, x, targets)
    expected = model.score(X, y)
    collect = ds.Array.collect

    def collect_few(array):
        assert array.size < len(X)
        return collect(array)

    monkeypatch.setattr(ds.Array, "collect", collect_few)
    assert model.score(x, targets) == pytest.approx(expected)


@each_row
@pytest.mark.parametrize("lengths", [(40,), (7,) * 5 + (5,), (0, 39, 0, 1), (1,) * 40], ids=str)
def test_empty_blocks_and_blocks_of_one_row_are_ordinary(row, lengths):
    X, y = data_for(row)
    ends = np.cumsum((0, *lengths))
    blocks = [[X[a:b]] for a, b in itertools.pairwise(ends)]
    cut = ds.from_blocks(blocks, (lengths, (X.shape[1],)), X.dtype)
    expected = outputs(fitted(row, X, y), X)
    assert_alike(outputs(fitted(row, cut, y), cut), expected, row.rtol)


@each_row
@pytest.mark.parametrize("other", ["serial", "dask"])
def test_the_engine_does_not_change_the_result(row, other, request):
    X, y = data_for(row)
    expected = outputs(fitted(row, ds.array(X, block_size=9), y), X)
    dsflow.stop()
    size = {"client": request.getfixturevalue("dask_client")} if other == "dask" else {}
    with dsflow.start(other, **size):
        found = outputs(fitted(row, ds.array(X, block_size=9), y), X)
    assert_alike(found, expected, 1e-9)


@each_row
def test_a_second_fit_forgets_the_first(row):
    X, y = data_for(row)
    expected = outputs(fitted(row, X, y), X)
    again = fitted(row, 3 * X[::2] + 1 if not positive(row) else 3 * X[::2], y[::2])
    assert_alike(outputs(again.fit(X, y), X), expected, 1e-9)


@each_row
def test_a_model_is_the_same_from_a_file_and_from_a_pickle(row, tmp_path):
    X, y = data_for(row)
    model = fitted(row, X, y)
    estimators.save(model, tmp_path / "model")
    for copy in (estimators.load(tmp_path / "model"), pickle.loads(pickle.dumps(model))):
        assert type(copy) is type(model)
        assert vars(copy).keys() == vars(model).keys()
        assert_alike(outputs(copy, X), outputs(model, X), 0)


def positive(row):
    return get_tags(row.estimator).input_tags.positive_only


def data_for(row):
    X, classes = make_blobs(40, centers=2, n_features=3, random_state=0)
    if positive(row):
        X = X - X.min()
    is_continuous = is_regressor(row.estimator) and not is_classifier(row.estimator)
    return X, X @ [1.0, -2.0, 0.5] + classes if is_continuous else classes


def fitted(row, X, y):
    estimator = clone(row.estimator)
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=0)
    return estimator.fit(X, y)


def types(estimator, X, y):
    """Return the types of what all methods give, by their names."""
    model = fitted(Row(estimator, None), X, y)
    found = {name: getattr(model, name)(X) for name in MORE_METHODS if hasattr(model, name)}
    firsts = {name: each[0] if isinstance(each, tuple) else each for name, each in found.items()}
    return {name: each.dtype for name, each in firsts.items()}


def outputs(estimator, X):
    found = {name: getattr(estimator, name)(X) for name in METHODS if hasattr(estimator, name)}
    if not found:
        rows = hasattr(estimator, "kneighbors")
        found = {"distances": estimator.kneighbors(X)[0]} if rows else {"labels_": estimator.labels_}
    return {name: dense(each.collect() if isinstance(each, ds.Array) else each) for name, each in found.items()}


def dense(values):
    return values.toarray() if hasattr(values, "toarray") else np.asarray(values)


def assert_alike(found, expected, rtol):
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert_close(found[name], values, rtol)


def assert_close(found, expected, rtol):
    if expected.dtype.kind == "f":
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * max(1.0, np.abs(expected).max()))
    else:
        assert np.mean(found == expected) > (0.9 if rtol else 0.99)
