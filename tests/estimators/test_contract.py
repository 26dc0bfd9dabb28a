"""What all estimators have to do, over one table: scikit-learn's checks, which a counterpart there passes too.

An estimator joins with one line: itself, its counterpart, and the checks that the counterpart fails itself. Each check
runs twice: on data left whole, and on data cut in blocks of 7 rows, so that no path hides behind a single block.
"""

import itertools
import re
from typing import Any, NamedTuple

import numpy as np
import pytest
import sklearn.cluster
import sklearn.svm
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.utils.estimator_checks import check_estimator, estimator_checks_generator

import dsarray as ds
from estimators.cluster import KMeans
from estimators.svm import CascadeSVM


class Row(NamedTuple):
    estimator: Any
    counterpart: Any
    fails: frozenset[str] = frozenset()
    """Checks that the counterpart fails, so that the estimator may."""
    lacks: frozenset[str] = frozenset()
    """Parameters of the counterpart that scikit-learn is going to remove."""


WEIGHTS_ARE_REPETITIONS = frozenset(
    {"check_sample_weight_equivalence_on_dense_data", "check_sample_weight_equivalence_on_sparse_data"}
)

SMALL = {"n_clusters": 2, "n_init": 2, "max_iter": 5}
TABLE = [
    Row(KMeans(**SMALL), sklearn.cluster.KMeans(**SMALL), WEIGHTS_ARE_REPETITIONS),
    Row(CascadeSVM(), sklearn.svm.SVC(), WEIGHTS_ARE_REPETITIONS, lacks=frozenset({"probability"})),
]

pytestmark = pytest.mark.filterwarnings("ignore")  # checks provoke warnings, and look at those that matter


def name_of(check):
    return getattr(check, "func", check).__name__


def checks_of(estimator):
    return [check for _, check in estimator_checks_generator(estimator, legacy=True)]


def title(row):
    return type(row.estimator).__name__


CASES = [
    pytest.param(
        row.estimator,
        check,
        block_size,
        id=f"{title(row)}-{re.sub('^check_', '', name_of(check))}-{block_size or 'whole'}",
        marks=[pytest.mark.xfail(strict=True, reason="so does scikit-learn's")] if name_of(check) in row.fails else [],
    )
    for row in TABLE
    for block_size in (None, 7)
    for check in checks_of(row.estimator)
]


@pytest.mark.parametrize(("estimator", "check", "block_size"), CASES)
def test_passes_the_checks_of_scikit_learn(estimator, check, block_size):
    with ds.config(block_size=block_size):
        check(estimator)


@pytest.mark.parametrize("row", TABLE, ids=title)
def test_faces_the_checks_that_its_counterpart_faces(row):
    ours, theirs = ({name_of(check) for check in checks_of(each)} for each in (row.estimator, row.counterpart))
    assert theirs <= ours


@pytest.mark.parametrize("row", TABLE, ids=title)
def test_nothing_is_allowed_that_its_counterpart_passes(row):
    outcomes = check_estimator(row.counterpart, on_skip=None, on_fail=None)
    assert {outcome["check_name"] for outcome in outcomes if outcome["status"] == "failed"} == row.fails


@pytest.mark.parametrize("row", TABLE, ids=title)
def test_takes_the_parameters_of_its_counterpart(row):
    assert row.counterpart.get_params().keys() - row.lacks <= row.estimator.get_params().keys()


@pytest.mark.parametrize("row", TABLE, ids=title)
@pytest.mark.parametrize("method", ["predict", "transform", "decision_function"])
def test_output_follows_the_kind_of_that_calls_X(row, method):
    estimator = fitted(row, *data())
    if not hasattr(estimator, method):
        pytest.skip(f"{title(row)} has no {method}")
    X = data()[0]
    expected = getattr(estimator, method)(X)
    given = getattr(estimator, method)(ds.array(X, block_size=7))
    assert isinstance(expected, np.ndarray)
    assert isinstance(given, ds.Array)
    assert given.shape == expected.shape
    assert given.dtype == expected.dtype
    np.testing.assert_allclose(given.collect(), expected, rtol=1e-9)


@pytest.mark.parametrize("row", TABLE, ids=title)
@pytest.mark.parametrize("lengths", [(40,), (7,) * 5 + (5,), (0, 39, 0, 1), (1,) * 40], ids=str)
def test_empty_blocks_and_blocks_of_one_row_are_ordinary(row, lengths):
    X, y = data()
    ends = np.cumsum((0, *lengths))
    blocks = [[X[a:b]] for a, b in itertools.pairwise(ends)]
    cut = ds.from_blocks(blocks, (lengths, (X.shape[1],)), X.dtype)
    assert np.mean(fitted(row, cut, y).predict(cut).collect() == fitted(row, X, y).predict(X)) > 0.9


def data():
    return make_blobs(40, centers=2, n_features=3, random_state=0)


def fitted(row, X, y):
    estimator = clone(row.estimator)
    return estimator.set_params(random_state=0).fit(X, y)
