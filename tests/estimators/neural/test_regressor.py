"""Regression by PyTorch modules."""

import itertools

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import StandardScaler

import dsarray as ds
from estimators.neural import TorchRegressor

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return StandardScaler().fit_transform(X), (y - y.mean()) / y.std()


def model(**params):
    return TorchRegressor(**{"max_iter": 5, "batch_size": 64, "local_rows": 1, "random_state": 0} | params)


def test_diabetes_is_predicted_as_well_as_by_scikit_learn(diabetes):
    X, y = diabetes
    params = {"max_iter": 60, "batch_size": 50, "random_state": 0, "early_stopping": True}
    theirs = MLPRegressor(**params).fit(X[:350], y[:350]).score(X[350:], y[350:])
    ours = TorchRegressor(**params).fit(ds.array(X[:350], block_size=100), y[:350])
    assert ours.score(X[350:], y[350:]) > max(theirs - 0.05, 0.35)


@pytest.mark.parametrize("lengths", [(442,), (110, 332), (1, 0, 441)])
def test_blocking_does_not_change_the_result(diabetes, lengths):
    X, y = diabetes
    ends = np.cumsum((0, *lengths))
    rows = ds.from_blocks([[X[a:b]] for a, b in itertools.pairwise(ends)], (lengths, (10,)), X.dtype)
    weights = np.linspace(0.5, 2, 442)
    expected = model(local_rows=None).fit(X, y, sample_weight=weights)
    found = model().fit(rows, y, sample_weight=weights)
    assert found.loss_curve_ == pytest.approx(expected.loss_curve_, rel=1e-9)
    np.testing.assert_allclose(found.predict(rows).collect(), expected.predict(X), rtol=1e-6, atol=1e-8)


def test_several_targets_are_predicted_at_once(diabetes):
    X, y = diabetes
    both = np.column_stack([y, X[:, 0]])
    ours = model(max_iter=40, learning_rate_init=0.01).fit(ds.array(X, block_size=200), ds.array(both, block_size=100))
    found = ours.predict(ds.array(X, block_size=200))
    assert found.shape == (442, 2)
    assert ours.score(X, both) > 0.7
    with pytest.raises(ValueError, match="y has 1 columns, but 2 are known"):
        ours.partial_fit(X, y)


def test_a_column_is_predicted_as_a_column(diabetes):
    X, y = diabetes
    assert model().fit(X, y[:, None]).predict(X).shape == (442, 1)
    assert model().fit(X, y).predict(X).shape == (442,)


def test_a_module_may_give_a_vector(diabetes):
    X, y = diabetes

    class Flat(torch.nn.Linear):
        def forward(self, rows):
            return super().forward(rows)[:, 0]

    ours = model(module=Flat, module_params={"in_features": 10, "out_features": 1}).fit(X, y)
    assert ours.predict(X).shape == (442,)


def test_the_criterion_is_what_is_made_small(diabetes):
    X, y = diabetes
    y = y + np.where(np.arange(442) % 10 == 0, 50.0, 0.0)
    params = {"module": torch.nn.Linear, "module_params": {"in_features": 10, "out_features": 1}}
    params |= {"max_iter": 60, "learning_rate_init": 0.05}
    squares, absolutes = (model(criterion=each, **params).fit(X, y) for each in ("MSELoss", "L1Loss"))
    assert absolutes.state_dict_["bias"][0] < 1 < squares.state_dict_["bias"][0]


def test_a_criterion_that_is_made_already_may_be_a_mean(diabetes):
    X, y = diabetes
    criterion = torch.nn.HuberLoss(delta=0.5)
    weights = np.linspace(0, 2, 442)
    made = model(criterion=criterion).fit(X, y, sample_weight=weights)
    named = model(criterion=torch.nn.HuberLoss(delta=0.5, reduction="none")).fit(X, y, sample_weight=weights)
    assert made.loss_curve_ == named.loss_curve_
    assert criterion.reduction == "mean"
    with pytest.raises(ValueError, match=r"has reduction='sum', but .* give one with reduction=\"none\""):
        model(criterion=torch.nn.HuberLoss(reduction="sum")).fit(X, y)


def test_epochs_may_come_one_by_one(diabetes):
    X, y = diabetes
    ours = model(optimizer="SGD", optimizer_params={"momentum": 0.9})
    whole = model(optimizer="SGD", optimizer_params={"momentum": 0.9}, max_iter=3).fit(X, y)
    for _ in range(3):
        ours.partial_fit(X, y)
    assert ours.loss_curve_ == pytest.approx(whole.loss_curve_, rel=1e-9)
