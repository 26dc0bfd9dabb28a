"""The namespace has the names and signatures of the standard, as array_api_strict has them."""

import inspect

import array_api_strict as strict
import pytest

import dsarray as ds
from dsarray import xp

OWN = {"ArrayAPIStrictFlags", "Device", "ModuleType", "__version__"}
EXTENSIONS = {"": (xp, strict), "linalg": (xp.linalg, strict.linalg), "fft": (xp.fft, strict.fft)}


def names_of(extension):
    _, theirs = EXTENSIONS[extension]
    names = set(theirs.__all__) - OWN
    return sorted(name for name in names if "strict" not in name)


def functions_of_the_standard():
    for extension, (_, theirs) in EXTENSIONS.items():
        for name in names_of(extension):
            if inspect.isfunction(getattr(theirs, name)):
                yield extension, name


FUNCTIONS = list(functions_of_the_standard())


def parameters(function):
    return [
        (each.name if each.kind is not each.POSITIONAL_ONLY else "", each.kind)
        for each in inspect.signature(function).parameters.values()
    ]


def defaults(function):
    found = [each.default for each in inspect.signature(function).parameters.values()]
    return [None if "UNDEF" in repr(each) else each for each in found]


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_every_name_of_the_standard_is_there_and_no_other(extension):
    ours, _ = EXTENSIONS[extension]
    names = {"__array_api_version__", "__array_namespace_info__", "linalg", "fft"} if not extension else set()
    further = {"eig", "eigvals"} if extension == "linalg" else set()  # of 2025.12, and not in strict's __all__
    assert set(ours.__all__) == set(names_of(extension)) | names | further


@pytest.mark.parametrize(("extension", "name"), FUNCTIONS)
def test_signatures_are_those_of_the_standard(extension, name):
    ours, theirs = (getattr(each, name) for each in EXTENSIONS[extension])
    assert parameters(ours) == parameters(theirs)
    assert defaults(ours) == defaults(theirs)


@pytest.mark.parametrize(("extension", "name"), FUNCTIONS)
def test_functions_are_documented_and_importable_by_name(extension, name):
    ours = getattr(EXTENSIONS[extension][0], name)
    assert inspect.isclass(ours) or ours.__name__ == name
    assert ours.__doc__
    assert getattr(inspect.getmodule(ours), name) is ours


@pytest.mark.parametrize("name", sorted(set(vars(type(strict.ones(1)))) - set(vars(object))))
def test_arrays_have_the_methods_of_the_standard(name):
    theirs = getattr(type(strict.ones(1)), name)
    if (name.startswith("_") and not name.endswith("__")) or name in {"__module__", "__weakref__", "__slots__"}:
        return
    if name in {"__annotations__", "__buffer__"}:
        return
    ours = getattr(ds.Array, name)
    if not inspect.isfunction(theirs) or name == "to_device":
        return  # strict's to_device takes its stream by position too
    kinds = [kind for _, kind in parameters(theirs)[1:]]
    assert len(parameters(ours)) == len(kinds) + 1
    for (_, kind), wanted in zip(parameters(ours)[1:], kinds, strict=True):
        assert kind in {wanted, inspect.Parameter.POSITIONAL_OR_KEYWORD}


def test_to_device_has_the_signature_of_the_standard():
    kinds = [each.kind.name for each in inspect.signature(ds.ones(1).to_device).parameters.values()]
    assert kinds == ["POSITIONAL_ONLY", "KEYWORD_ONLY"]
