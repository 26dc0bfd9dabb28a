"""When training stops, and what it says then."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning, NotFittedError

import dsarray as ds
from estimators.neural import TorchClassifier, TorchRegressor

torch = pytest.importorskip("torch")

WAYS = pytest.mark.parametrize("way", [{"local_rows": 1}, {"local_rows": None}, {"sync": "average"}], ids=str)


class Logarithms(torch.nn.Linear):
    def forward(self, rows):
        return super().forward(torch.log(rows))


@pytest.fixture(scope="module")
def few():
    X, y = load_digits(return_X_y=True)
    return X[:200] / 16, y[:200]


def model(kind=TorchClassifier, **params):
    return kind(**{"max_iter": 3, "batch_size": 64, "random_state": 0} | params)


@pytest.mark.parametrize("params", [{}, {"early_stopping": True}, {"sync": "average"}])
def test_epochs_that_are_too_few_are_warned_of(few, params):
    for kind in (TorchClassifier, TorchRegressor):
        words = rf"{kind.__name__}.fit: not converged after max_iter=3 epochs \(tol=0.0001, n_iter_no_change=10\)"
        with pytest.warns(ConvergenceWarning, match=words) as caught:
            model(kind, **params).fit(*few)
        assert [each.filename for each in caught] == [__file__]


def test_nothing_is_warned_of_where_training_has_stopped_or_was_to_take_all_epochs(few):
    X, y = few
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert model(tol=10.0, n_iter_no_change=2).fit(X, y).n_iter_ == 3
        model(n_iter_no_change=None).fit(X, y)
        model().partial_fit(X, y, classes=np.arange(10))


@WAYS
def test_training_that_leads_to_nan_is_an_error_with_its_epoch(few, way):
    X, y = few
    rows = ds.array(X - 0.5, block_size=(60, -1))
    ours = model(module=Logarithms, module_params={"in_features": 64, "out_features": 10}, **way)
    with pytest.raises(ValueError, match=r"the loss in epoch 1 is nan; take a smaller learning_rate_init, scale X"):
        ours.fit(rows, y)
    with pytest.raises(NotFittedError):
        ours.predict(rows)
    with pytest.raises(ValueError, match=r"the loss in epoch \d is (nan|inf); take a smaller learning_rate_init"):
        model(optimizer="SGD", learning_rate_init=1e30, dtype="float32", max_iter=9, **way).fit(rows, y)


@WAYS
def test_a_last_step_to_infinity_is_an_error(few, way):
    X, y = few
    ours = model(optimizer="SGD", learning_rate_init=1e308, batch_size=200, max_iter=1, **way)
    with pytest.raises(ValueError, match="not all parameters are finite after epoch 1; take a smaller"):
        ours.fit(ds.array(100 * X, block_size=(60, -1)), y)


def test_a_loss_of_the_rows_set_aside_that_is_infinite_is_an_error(few):
    X, y = few
    ours = model(early_stopping=True, criterion=_infinite_where_judged)
    with pytest.raises(ValueError, match="loss of the rows for validation is inf after epoch 1; take a smaller"):
        ours.fit(X, y)


def _infinite_where_judged(outputs, targets):
    losses = torch.nn.functional.cross_entropy(outputs, targets, reduction="none")
    return losses if outputs.requires_grad else losses + torch.inf


def test_rows_without_any_weight_are_an_error(few):
    X, y = few
    ours = model(TorchRegressor, early_stopping=True, validation_fraction=0.001)
    with pytest.raises(ValueError, match="all for validation, have the weight 0; give some of them a positive"):
        ours.fit(X, y, sample_weight=np.arange(200) == 0)
