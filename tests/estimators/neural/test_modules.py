"""How modules are made and tried, and what is left of PyTorch's generator."""

import builtins

import numpy as np
import pytest

from estimators.neural._modules import build_module, import_torch, is_random, load_arrays

torch = pytest.importorskip("torch")


def built(seed=0, **params):
    return build_module(None, params, (3, 2), np.float64, seed)


def test_the_seed_decides_the_first_values_and_leaves_pytorchs_generator_alone():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    one, same, other = built(seed=0), built(seed=0), built(seed=1)
    assert torch.rand(1) == expected
    assert torch.equal(one[0].weight, same[0].weight)
    assert not torch.equal(one[0].weight, other[0].weight)


def test_a_module_may_be_a_class_a_function_or_made_already():
    assert build_module(torch.nn.Linear, {"in_features": 3, "out_features": 2}, (3, 2), np.float32, 0).bias.shape == (
        2,
    )
    made = build_module(lambda n_features, width: torch.nn.Linear(n_features, width), {"width": 5}, (3, 2), "f8", 0)
    assert made.weight.shape == (5, 3)
    assert made.weight.dtype == torch.float64
    copied = build_module(made, {}, (3, 2), np.float32, 0)
    assert copied is not made
    assert made.weight.dtype == torch.float64
    with pytest.raises(TypeError, match=r"gave a int; give a torch.nn.Module"):
        build_module(lambda: 1, {}, (3, 2), np.float32, 0)
    with pytest.raises(ValueError, match="module_params has no meaning"):
        build_module(made, {"width": 1}, (3, 2), np.float32, 0)


def test_a_class_that_takes_all_by_name_gets_both_numbers():
    class Own(torch.nn.Linear):
        def __init__(self, **given):
            super().__init__(given["n_features"], given["n_outputs"] + given["more"])

    assert build_module(Own, {"more": 3}, (3, 2), "f4", 0).weight.shape == (5, 3)


@pytest.mark.parametrize(
    ("module", "params", "message"),
    [
        (
            lambda n: n,
            {},
            r"has the parameters \(n\), which n_features=3, n_outputs=2 and module_params={} do not fill",
        ),
        (lambda n: n, {}, r"'n'\); name parameters n_features and n_outputs, or set others in module_params"),
        (lambda n_outputs: n_outputs, {"width": 5}, "unexpected keyword argument 'width'"),
        (
            None,
            {"hidden": 5},
            r"module=None has the parameters \(n_features, n_outputs, hidden_layer_sizes, activation",
        ),
    ],
)
def test_parameters_that_are_not_filled_are_named(module, params, message):
    with pytest.raises(TypeError, match=message):
        build_module(module, params, (3, 2), "f4", 0)


def test_outputs_must_be_a_tensor():
    with pytest.raises(TypeError, match=r"gives a tuple; let its forward\(\) return a tensor of shape \(n_rows, 2\)"):
        is_random(torch.nn.LSTM(3, 2), (3,), 2)


def test_a_module_that_refuses_rows_is_told_what_they_were():
    with pytest.raises(RuntimeError, match="mat1 and mat2") as caught:
        is_random(built(), (4,), 2)
    assert "X has 4 columns, and the module refused two such rows" in caught.value.__notes__[0]
    with pytest.raises(RuntimeError) as caught:
        is_random(built(), (1, 8, 8), 2)
    assert "X has samples of shape (1, 8, 8)" in caught.value.__notes__[0]


def test_a_module_is_tried_for_the_shape_of_outputs_and_for_random_numbers():
    assert not is_random(built(), (3,), 2)
    assert is_random(torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Dropout()), (3,), 2)
    with pytest.raises(ValueError, match=r"outputs of shape \(2, 2\) for 2 rows; \(2, 4\) is expected"):
        is_random(built(), (3,), 4)


def test_values_of_another_module_are_refused():
    with pytest.raises(ValueError, match="set the parameters module and module_params"):
        load_arrays(built(), {"weight": np.ones(2)})


def test_what_is_missing_is_named(monkeypatch):
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "torch":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match=r'pip install "dsflow\[torch\]"'):
        import_torch()


def test_an_activation_that_is_not_known_is_refused():
    with pytest.raises(ValueError, match="activation='step' is not known"):
        built(activation="step")
