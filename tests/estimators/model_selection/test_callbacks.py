"""Callbacks set on an estimator, or on the search around it, hear of the fits in its tasks."""

import numpy as np
import pytest
import sklearn.linear_model
import sklearn.model_selection
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import dsarray as ds
from dsflow.testing import count_tasks
from estimators.linear_model import LogisticRegression
from estimators.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)

X, Y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
GRID = {"C": [0.1, 1]}
INPUTS = [(X, Y), (ds.array(X, block_size=40), ds.array(Y, block_size=40))]
KINDS = [LogisticRegression, sklearn.linear_model.LogisticRegression]


class Listener:
    """Notes the names of the tasks that end."""

    def __init__(self):
        self.told = []

    def setup(self, estimator, context):
        self.told.append("setup")

    def teardown(self, estimator, context):
        self.told.append("teardown")

    def on_fit_task_begin(self, estimator, context): ...

    def on_fit_task_end(self, estimator, context):
        self.told.append((context.estimator_name, context.task_name))


class Spread(Listener):
    """A listener that a search passes on to what is inside."""

    max_propagation_depth = None


def rows_of(monitor):
    table = monitor.get_logs().data_as_pandas
    return table.drop(columns=["task_id_path", "parent_task_id_path"]).sort_values(["task_name", "task_id", "accuracy"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("x", "y"), INPUTS, ids=["ndarrays", "ds-arrays"])
def test_a_callback_of_the_estimator_hears_of_all_fits(kind, x, y, on_every_engine):
    theirs = ScoringMonitor(scoring="accuracy")
    sklearn.model_selection.GridSearchCV(kind().set_callbacks(theirs), GRID, cv=2).fit(X, Y)
    monitor = ScoringMonitor(scoring="accuracy")
    model = kind().set_callbacks(monitor)
    search = GridSearchCV(model, GRID, cv=2).fit(x, y)
    assert (rows_of(monitor).task_name == "fit").sum() == 5
    assert len(rows_of(monitor)) == len(rows_of(theirs))
    assert search.best_estimator_._skl_callbacks == [monitor] == model._skl_callbacks
    assert not hasattr(search.best_estimator_, "_parent_callback_ctx")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("x", "y"), INPUTS, ids=["ndarrays", "ds-arrays"])
def test_a_callback_of_the_search_hears_of_what_is_inside(kind, x, y):
    listener = Spread()
    GridSearchCV(kind(max_iter=200), GRID, cv=2).set_callbacks(listener).fit(x, y)
    name = kind.__name__
    assert listener.told.count((name, "fit")) == 5
    assert listener.told.count(("GridSearchCV", "fit")) == 1
    assert listener.told[0] == "setup"
    assert listener.told[-1] == "teardown"
    own = Listener()
    GridSearchCV(kind(), GRID, cv=2).set_callbacks(own).fit(x, y)
    tasks = ["candidate-split-evaluation"] * 4 + ["search", "refit-with-best-params", "fit"]
    assert own.told == ["setup", *[("GridSearchCV", each) for each in tasks], "teardown"]


def test_steps_of_pipelines_are_heard_of_too():
    listener = Spread()
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    GridSearchCV(pipeline, {"logisticregression__C": [0.1, 1]}, cv=2).set_callbacks(listener).fit(X, Y)
    assert listener.told.count(("Pipeline", "fit")) == 5
    assert listener.told.count(("LogisticRegression", "fit")) == 5
    assert pipeline[-1].__dict__.get("_skl_callbacks") is None


def test_a_progress_bar_inside_of_a_search_is_refused_before_anything_is_fitted():
    with count_tasks() as count, pytest.raises(TypeError, match="can't have auto-propagated callbacks"):
        GridSearchCV(LogisticRegression().set_callbacks(ProgressBar()), GRID, cv=2).fit(X, Y)
    assert "evaluate" not in count.by_name


def test_a_progress_bar_shows_the_candidates(on_every_engine, capsys):
    HalvingGridSearchCV(LogisticRegression(), GRID, cv=2).set_callbacks(ProgressBar()).fit(X, Y)
    assert "candidate-split-evaluation | Log" in capsys.readouterr().out


def test_a_callback_can_end_the_fits_of_candidates():
    class Impatient(Listener):
        def on_fit_task_end(self, estimator, context):
            return context.parent is not None

    ended = GridSearchCV(LogisticRegression().set_callbacks(Impatient()), GRID, cv=2).fit(X, Y)
    assert ended.best_estimator_.n_iter_ == 1
    plain = GridSearchCV(LogisticRegression(), GRID, cv=2).fit(X, Y)
    assert not np.allclose(ended.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"])


def test_callbacks_hear_of_cross_validation():
    for work in (cross_validate, cross_val_score, cross_val_predict):
        monitor = ScoringMonitor(scoring="accuracy")
        work(LogisticRegression().set_callbacks(monitor), X, Y, cv=3)
        assert len(monitor.get_logs("all")) == 3
    found = cross_validate(LogisticRegression().set_callbacks(monitor), X, Y, cv=3, return_estimator=True)
    assert all(each._skl_callbacks == [monitor] for each in found["estimator"])
