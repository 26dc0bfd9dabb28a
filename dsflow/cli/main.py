"""The group of all verbs; a verb is imported when it is asked for."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

import click

__all__ = ["main"]

GROUP = "dsflow.commands"
"""Entry points of this group are verbs: packages above dsflow register theirs without being imported by it."""


class _Verbs(click.Group):
    """Finds verbs among the installed packages."""

    def _found(self) -> dict[str, EntryPoint]:
        return {point.name: point for point in entry_points(group=GROUP)}

    def list_commands(self, _: click.Context) -> list[str]:
        """Return the names of all verbs."""
        return sorted(self._found())

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        """Import and return a verb, or a command that says why it cannot be imported."""
        point = self._found().get(name)
        if point is None:
            return None
        try:
            command: click.Command = point.load()
        except (ImportError, AttributeError) as error:  # the module, or the verb in it, is not there
            return _broken(name, point.value, error)
        return command


def _broken(name: str, source: str, error: Exception) -> click.Command:
    @click.command(name, help=f"(cannot be imported: {error})", context_settings={"ignore_unknown_options": True})
    @click.argument("args", nargs=-1)
    def command(args: tuple[str, ...]) -> None:  # noqa: ARG001 - whatever was asked for, it cannot be done
        raise click.ClickException(f"{name}: {source} cannot be imported: {error}")

    return command


@click.command(cls=_Verbs)
@click.version_option(package_name="dsflow")
def main() -> None:
    """Task-parallel machine learning: the same program here, on a cluster or on functions."""
