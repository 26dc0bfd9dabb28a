"""Gaps save work, and change nothing: neither which center is nearest, nor sums, nor where the descent ends."""

import numpy as np
import pytest
import scipy.sparse
import sklearn.cluster
from sklearn.datasets import make_blobs

from estimators.cluster import KMeans, _lloyd
from estimators.cluster._points import center_points, find_nearest, find_nearest_with_gap, make_scorer, squared_norms


def rows(kind):
    X, _ = make_blobs(400, n_features=3, centers=8, cluster_std=3, random_state=2)
    return {"dense": X, "float32": X.astype(np.float32), "sparse": scipy.sparse.csr_array(X * (X > 0))}[kind]


@pytest.mark.parametrize("kind", ["dense", "float32", "sparse"])
def test_gaps_are_at_most_the_true_ones(kind):
    points = center_points(rows(kind), np.zeros(3))
    scorer = make_scorer(np.random.default_rng(0).normal(size=(7, 3)) * 10)
    where = np.arange(5, 350)
    labels, gaps = find_nearest_with_gap(points, squared_norms(points), scorer, where)
    np.testing.assert_array_equal(labels, find_nearest(points, scorer)[where])
    exact = rows(kind).toarray() if kind == "sparse" else rows(kind).astype(float)
    distances = np.sort(np.linalg.norm(exact[where, None] + scorer[:-1].T / 2, axis=2), axis=1)
    true = distances[:, 1] - distances[:, 0]
    assert (gaps <= true).all()
    np.testing.assert_allclose(gaps, true, atol=1e-5 if kind != "float32" else 0.2)


@pytest.mark.parametrize("few", [0.0, 0.1, 1.1], ids=["never", "late", "at once"])
@pytest.mark.parametrize("many", [0.0, 0.2, 1.1], ids=["never", "seldom", "always"])
@pytest.mark.parametrize("sample_weight", [None, np.linspace(0.1, 1, 400)], ids=["", "weighted"])
@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_gaps_do_not_change_the_result(monkeypatch, kind, sample_weight, few, many):
    monkeypatch.setattr(_lloyd, "_FEW_CHANGED", few)
    monkeypatch.setattr(_lloyd, "_MANY_ACTIVE", many)
    parameters = {"n_clusters": 12, "init": "random", "n_init": 2, "tol": 0.0, "random_state": 0}
    ours = KMeans(**parameters).fit(rows(kind), sample_weight=sample_weight)
    theirs = sklearn.cluster.KMeans(**parameters).fit(rows(kind), sample_weight=sample_weight)
    np.testing.assert_array_equal(ours.labels_, theirs.labels_)
    np.testing.assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, rtol=1e-9, atol=1e-9)
    assert ours.n_iter_ == theirs.n_iter_


def test_gaps_leave_most_points_alone_in_the_end(monkeypatch):
    looked_at = []

    def spy(points, norms, scorer, where):
        looked_at.append(len(where))
        return find_nearest_with_gap(points, norms, scorer, where)

    monkeypatch.setattr(_lloyd, "find_nearest_with_gap", spy)
    KMeans(12, init="random", n_init=1, tol=0.0, random_state=0).fit(rows("dense"))
    assert looked_at[-1] < 0.2 * 400
