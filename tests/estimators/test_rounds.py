"""scikit-learn's callbacks hear of each round of a fit, may look at what has been learned, and may end it."""

from importlib.util import find_spec

import numpy as np
import pytest
from sklearn.base import is_classifier, is_regressor
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline

import dsarray as ds
from estimators import (
    ALS,
    CascadeSVM,
    CascadeSVR,
    GaussianMixture,
    KMeans,
    LogisticRegression,
    MiniBatchKMeans,
    StandardScaler,
    TorchClassifier,
)

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3)) + np.repeat([[0.0], [4], [8]], 20, axis=0)
Y = np.repeat([0, 1, 2], 20)
RATINGS = rng.integers(0, 6, (12, 9)).astype(float)

MODELS = [
    KMeans(3, init=X[:3], tol=0, max_iter=20),
    MiniBatchKMeans(3, random_state=0, batch_size=20),
    GaussianMixture(3, random_state=0, tol=1e-9),
    LogisticRegression(),
    LogisticRegression(solver="newton-cholesky"),
    LogisticRegression(solver="saga", l1_ratio=0.5),
    ALS(2, random_state=0, max_iter=8, tol=0),
    CascadeSVM(tol=0),
    CascadeSVR(tol=0),
    *([TorchClassifier(max_iter=5)] if find_spec("torch") else []),
]
WITH_ROUNDS = pytest.mark.parametrize("model", MODELS, ids=repr)


class Listener:
    """Notes what it is told, and ends the fit after some rounds."""

    def __init__(self, last=None):
        self.last = last
        self.told = []
        self.learned = []

    def setup(self, estimator, context):
        self.told.append("setup")

    def teardown(self, estimator, context):
        self.told.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.told.append(("begin", context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.told.append(("end", context.task_name, context.task_id))
        if context.parent is not None and fitted_estimator is not None:
            self.learned.append(fitted_estimator)
        return len(self.learned) == self.last


def fit(model, listener, x=X):
    model = type(model)(**model.get_params()).set_callbacks(listener)
    if isinstance(model, ALS):
        return model.fit(ds.array(RATINGS, block_size=5))
    return model.fit(ds.array(x, block_size=7), Y) if is_classifier(model) or is_regressor(model) else model.fit(x)


@WITH_ROUNDS
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_callbacks_hear_of_each_round(model):
    listener = Listener()
    fitted = fit(model, listener)
    told = listener.told
    assert told[:2] == ["setup", ("begin", "fit", 0)]
    assert told[-2:] == [("end", "fit", 0), "teardown"]
    rounds = told[2:-2]
    assert [each[0] for each in rounds] == ["begin", "end"] * (len(rounds) // 2)
    if not isinstance(model, MiniBatchKMeans):
        assert len(listener.learned) == np.max(fitted.n_iter_)


@WITH_ROUNDS
def test_what_was_learned_by_the_end_of_a_round_can_predict(model):
    listener = Listener(last=2)
    fit(model, listener)
    for learned in listener.learned:
        if isinstance(model, ALS):
            assert np.isfinite(learned.predict(0, 1)).all()
        else:
            assert learned.predict(X).shape == (60,)


@pytest.mark.parametrize("model", [each for each in MODELS if not isinstance(each, MiniBatchKMeans)], ids=repr)
def test_a_callback_can_end_a_fit_without_a_warning(model):
    assert np.max(fit(model, Listener(last=2)).n_iter_) == 2


def test_callbacks_are_taken_down_when_a_fit_fails():
    listener = Listener()
    with pytest.raises(ValueError, match="n_clusters"):
        KMeans(100).set_callbacks(listener).fit(X)
    assert listener.told == []
    with pytest.raises(ValueError, match="init"):
        KMeans(3, init=np.ones((2, 2))).set_callbacks(listener).fit(X)
    model = GaussianMixture(3, random_state=0, reg_covar=0.0).set_callbacks(listener)
    with pytest.raises(ValueError, match="covariance"):
        model.fit(np.ones((9, 2)))
    assert listener.told.count("setup") == listener.told.count("teardown")


def test_scores_are_monitored():
    monitor = ScoringMonitor(scoring="accuracy")
    model = LogisticRegression().set_callbacks(monitor).fit(ds.array(X, block_size=7), Y)
    log = monitor.get_logs().data_as_pandas
    assert (log.task_name == "iteration").sum() == model.n_iter_[0]
    assert log[log.task_name == "fit"]["accuracy"].item() == model.score(X, Y)


def test_a_pipeline_shows_its_progress(capsys):
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=3)).set_callbacks(ProgressBar())
    with pytest.warns(ConvergenceWarning):
        model.fit(X, Y)
    assert "LogisticRegression" in capsys.readouterr().out


def test_what_is_no_callback_is_refused():
    for model in MODELS:
        with pytest.raises(TypeError, match="FitCallback"):
            type(model)().set_callbacks(print)
