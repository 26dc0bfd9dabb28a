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
