"""Labels as positions of classes: what kinds of labels there may be."""

import numpy as np
import pandas as pd
import pytest

import dsarray as ds
from estimators.linear_model import LogisticRegression
from estimators.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from estimators.neighbors import KNeighborsClassifier
from estimators.svm import CascadeSVM

X = np.random.default_rng(0).normal(size=(60, 3))
LABELS = np.where(X[:, 0] > 0, "yes", "no")
KINDS = {
    "texts": LABELS,
    "objects": LABELS.astype(object),
    "a pandas column": pd.Series(LABELS),
    "a list": LABELS.tolist(),
}


@pytest.mark.parametrize("labels", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("kind", [LogisticRegression, CascadeSVM, KNeighborsClassifier])
def test_labels_may_be_python_objects(kind, labels):
    x = ds.array(X, block_size=7)
    here, there = kind().fit(X, labels), kind().fit(x, labels)
    predicted = there.predict(x)
    assert isinstance(predicted, ds.Array)
    np.testing.assert_array_equal(predicted.collect(), here.predict(X))
    np.testing.assert_array_equal(here.classes_, np.unique(labels))
    assert there.score(x, labels) == pytest.approx(here.score(X, labels))


def test_searches_take_labels_that_are_python_objects():
    x, labels = ds.array(X, block_size=7), pd.Series(LABELS)
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, cv=3).fit(x, labels)
    assert search.best_score_ > 0.8
    assert cross_val_score(LogisticRegression(), x, labels, cv=3).min() > 0.8
    assert (np.asarray(cross_val_predict(LogisticRegression(), x, labels, cv=3)) == LABELS).mean() > 0.8
