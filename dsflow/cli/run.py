"""``dsflow run``: run a script, and decide from outside where its tasks run."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from types import ModuleType

import click

from dsflow._active import end_session
from dsflow._resources import parse_memory
from dsflow._start import ENGINES, Choice, override

__all__ = ["run"]


@click.command(context_settings={"allow_interspersed_args": False})
@click.option("--engine", type=click.Choice(ENGINES), help="Where the tasks run.")
@click.option("--workers", type=click.IntRange(min=1), help="How many tasks run at a time.")
@click.option("--memory", help="Memory for blocks over all workers, such as '2 GiB'.")
@click.option(
    "--keep-failures",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep tasks that fail in this folder, for `dsflow replay`.",
)
@click.argument("script", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
def run(
    engine: str | None,
    workers: int | None,
    memory: str | None,
    keep_failures: Path | None,
    script: Path,
    args: tuple[str, ...],
) -> None:
    """Run a Python script; the options go before what it asks for itself."""
    if memory is not None:
        try:
            parse_memory(memory)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--memory") from None
    folder = None if keep_failures is None else keep_failures.absolute()
    override(Choice(engine=engine, workers=workers, memory=memory, keep_failures=folder))
    sys.argv = [str(script), *args]
    sys.path.insert(0, str(script.resolve().parent))
    try:
        _execute(script)
        end_session()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - it is shown as python would show it
        end_session(abandon=True)
        _show(error, script)
        sys.exit(130 if isinstance(error, KeyboardInterrupt) else 1)


def _execute(script: Path) -> None:
    """Run the script as the main module, and leave it there: tasks that end later look up its classes in it."""
    module = ModuleType("__main__")
    vars(module)["__file__"] = str(script)
    sys.modules["__main__"] = module
    exec(compile(script.read_bytes(), str(script), "exec", dont_inherit=True), vars(module))  # noqa: S102 - what run is for


def _show(error: BaseException, script: Path) -> None:
    """Print a traceback that begins in the script, or where its frames are missing, below those of this file."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    first = frames
    while first is not None and first.tb_frame.f_code.co_filename != str(script):
        first = first.tb_next
    traceback.print_exception(type(error), error, first or frames)
