"""The group of verbs: they are found among installed packages, and imported when they are asked for."""

import sys
from importlib.metadata import EntryPoint, version

import click
import pytest
from click.testing import CliRunner

from dsflow.cli import main
from dsflow.cli.main import GROUP

MODULE = "dsflow.cli.main"  # the package's name `main` is the command


def invoke(*args):
    return CliRunner().invoke(main, args)


@click.command()
@click.argument("name")
def greet(name):
    """Say hello."""
    click.echo(f"hello {name}")


@pytest.fixture
def installed(monkeypatch):
    """Installed verbs: one that works, one of a module that is not there, one that its module does not have."""
    sources = {"greet": f"{__name__}:greet", "gone": "no_such_module:verb", "renamed": "click:no_such_verb"}
    points = [EntryPoint(name, source, GROUP) for name, source in sources.items()]
    monkeypatch.setattr(sys.modules[MODULE], "entry_points", lambda group: points if group == GROUP else [])
    monkeypatch.setattr(EntryPoint, "load", load_here)


real_load = EntryPoint.load


def load_here(point):
    return greet if point.name == "greet" else real_load(point)


def test_help_lists_the_verbs_with_what_they_do():
    result = invoke("--help")
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.output.splitlines()]
    for verb in ("demo Quantise a photograph", "run Run a Python script", "simulate "):
        assert any(line.startswith(verb) for line in lines)


def test_version_is_that_of_the_package():
    result = invoke("--version")
    assert result.exit_code == 0
    assert result.output.endswith(f"version {version('dsflow')}\n")


def test_verbs_come_from_entry_points(installed):
    assert invoke("greet", "you").output == "hello you\n"


def test_an_unknown_verb_is_an_error():
    result = invoke("nonsense")
    assert result.exit_code == 2
    assert "No such command 'nonsense'" in result.output


@pytest.mark.parametrize(("name", "why"), [("gone", "No module named 'no_such_module'"), ("renamed", "no_such_verb")])
@pytest.mark.parametrize("args", [(), ("--some-option", "x")])
def test_a_verb_that_cannot_be_imported_says_why(installed, name, why, args):
    result = invoke(name, *args)
    assert result.exit_code == 1
    assert f"Error: {name}: " in result.output
    assert "cannot be imported" in result.output
    assert why in result.output


def test_help_lists_verbs_that_cannot_be_imported_too(installed):
    result = invoke("--help")
    assert result.exit_code == 0
    assert "gone     (cannot be imported: No module named 'no_such_module')" in result.output
    assert "greet    Say hello." in result.output


def test_a_verb_that_is_not_asked_for_is_not_imported(installed, monkeypatch):
    loaded = []

    def load(point):
        loaded.append(point.name)
        return load_here(point)

    monkeypatch.setattr(EntryPoint, "load", load)
    invoke("greet", "you")
    assert loaded == ["greet"]
