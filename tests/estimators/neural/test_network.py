"""Modules at work in tasks: vectors of parameters, states, names and errors."""

import numpy as np
import pytest

from estimators.neural._modules import build_module
from estimators.neural._network import Blueprint, Network, get_network

torch = pytest.importorskip("torch")


def network(module, optimizer="Adam", criterion="CrossEntropyLoss", **params):
    return Network(Blueprint(module, criterion, optimizer, {"lr": 0.1} | params, (3,), "cpu", None, None))


def data(n_rows=8):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n_rows, 3)), rng.integers(0, 2, n_rows)


def built(seed=0, **params):
    return build_module(None, params, (3, 2), np.float64, seed)


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "NAdam"])
def test_a_step_is_pytorchs(optimizer):
    X, codes = data()
    module, ours = built(), network(built(), optimizer)
    theirs = getattr(torch.optim, optimizer)(module.parameters(), lr=0.1)
    for _ in range(3):
        theirs.zero_grad()
        torch.nn.functional.cross_entropy(module(torch.tensor(X)), torch.tensor(codes)).backward()
        theirs.step()
        ours.step(ours.find_slopes(X, codes, None, (0,))[1])
    for name, values in module.state_dict().items():
        np.testing.assert_allclose(ours.arrays()[name], values.numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "Adagrad"])
def test_another_network_goes_on_from_a_state(optimizer):
    X, codes = data()
    params = {"momentum": 0.9} if optimizer == "SGD" else {}
    one, other = network(built(), optimizer, **params), network(built(seed=1), optimizer, **params)
    for _ in range(2):
        one.step(one.find_slopes(X, codes, None, (0,))[1])
    state = one.state()
    for values in (state.values, *state.buffers):
        values.setflags(write=False)
    other.load(state)
    for each in (one, other):
        each.step(each.find_slopes(X, codes, None, (0,))[1])
    assert np.array_equal(one.state().values, other.state().values)


def test_weights_are_factors_of_losses():
    X, codes = data()
    repeated, weighed = network(built()), network(built())
    counts = np.array([0, 1, 2, 3, 0, 1, 2, 3])
    _, n_rows = repeated.find_slopes(X.repeat(counts, axis=0), codes.repeat(counts), None, (0,))
    _, weight = weighed.find_slopes(X, codes, counts.astype(float), (0,))
    assert n_rows == weight == counts.sum()
    np.testing.assert_allclose(weighed.slopes(), repeated.slopes(), atol=1e-12)


def test_a_batch_without_weight_takes_no_step():
    ours = network(built())
    before = ours.state().values
    ours.step(0.0)
    assert np.array_equal(ours.state().values, before)


def test_tied_and_frozen_parameters_stay_so():
    module = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 3), torch.nn.Linear(3, 2)).double()
    module[1].weight = module[0].weight
    module[2].weight.requires_grad_(False)
    frozen = module[2].weight.detach().clone().numpy()
    ours = network(module)
    ours.step(ours.find_slopes(*data(), None, (0,))[1])
    found = ours.arrays()
    assert np.array_equal(found["0.weight"], found["1.weight"])
    assert np.array_equal(found["2.weight"], frozen)
    assert len(ours.state().values) == 9 + 3 + 3 + 2


def test_a_criterion_may_be_a_name_a_class_or_a_function():
    X, codes = data()
    found = [
        network(built(), criterion=each).find_slopes(X, codes, None, (0,))[0]
        for each in (
            "CrossEntropyLoss",
            torch.nn.CrossEntropyLoss,
            lambda outputs, targets: torch.nn.functional.cross_entropy(outputs, targets, reduction="none"),
        )
    ]
    assert found[0] == pytest.approx(found[1])
    assert found[0] == pytest.approx(found[2])


def test_a_criterion_must_give_a_loss_for_each_row():
    with pytest.raises(ValueError, match="one for each row"):
        network(built(), criterion=torch.nn.functional.cross_entropy).find_slopes(*data(), None, (0,))


def test_names_that_pytorch_does_not_have_are_refused():
    with pytest.raises(ValueError, match=r"torch.optim has no class 'Newton'"):
        network(built(), "Newton")
    with pytest.raises(ValueError, match=r"torch.nn has no class 'NoLoss'"):
        network(built(), criterion="NoLoss")
    with pytest.raises(ValueError, match=r"torch.optim has no class 'adam'; give the name of one, with its capitals"):
        network(built(), "adam")


@pytest.mark.parametrize("optimizer", ["LBFGS", torch.optim.LBFGS])
def test_an_optimizer_that_needs_a_closure_is_refused(optimizer):
    with pytest.raises(ValueError, match=r"LBFGS.* closure, .* such as Adam, AdamW, RMSprop or SGD"):
        network(built(), optimizer)


def test_what_is_not_finite_is_an_error():
    X, codes = data()
    ours = network(built(), "SGD")
    ours.check(0)
    with pytest.raises(ValueError, match="the loss in epoch 3 is nan"):
        ours.find_slopes(np.where(X > 0, X, np.nan), codes, None, (2, 0, 0))
    ours.load(ours.state()._replace(values=np.full(len(ours.state().values), np.inf)))
    with pytest.raises(ValueError, match="not all parameters are finite after epoch 3"):
        ours.check(2)


def test_a_thread_keeps_the_last_network():
    one, other = (Blueprint(built(seed), "CrossEntropyLoss", "SGD", {}, (3,), "cpu", None, None) for seed in (0, 1))
    packed = one.pack()
    first = get_network(packed)
    assert get_network(packed) is first
    assert get_network(other.pack()) is not first
    assert get_network(packed) is not first


def test_parameters_of_several_types_are_refused():
    mixed = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 2).double())
    with pytest.raises(ValueError, match=r"must have one type, but have torch.float32, torch.float64"):
        network(mixed)


def test_what_has_no_name_travels_as_it_is():
    nameless = Blueprint(built(), lambda outputs, targets: outputs, "SGD", {}, (3,), "cpu", None, None)
    assert nameless.pack() is nameless
    assert get_network(nameless) is not get_network(nameless)
