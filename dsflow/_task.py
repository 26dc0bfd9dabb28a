"""@task: calling the decorated function records a node of the graph and returns a Future."""

from __future__ import annotations

import copy
import functools
import importlib
import inspect
import sys
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Generic, TypeVar, overload

from dsflow._arguments import Parameter, bind_arguments, bind_simple
from dsflow._context import current_context
from dsflow._directions import IN, INOUT, Access, Content, Direction
from dsflow._future import Future
from dsflow._options import DEFAULT_OPTIONS, OnFailure, Options, checked_options
from dsflow._resources import Amount, Constraint, Needs, checked_constraint

__all__ = ["Task", "constraint", "task"]

R = TypeVar("R")
T = TypeVar("T")
ReturnsMany = Callable[[Callable[..., Any]], Callable[..., tuple[Future[Any], ...]]]


class Task(Generic[R]):
    """A function whose calls run as tasks. The function itself is ``__wrapped__``."""

    __wrapped__: Callable[..., R]

    def __init__(
        self,
        function: Callable[..., R],
        returns: int | None = None,
        directions: dict[str, Direction] | None = None,
        options: Options = DEFAULT_OPTIONS,
    ) -> None:
        self.function = function
        self.returns = returns
        self.directions = directions or {}
        self.options = options
        self.pickled: bytes | None = None
        """The task as an engine sends it, once it has."""
        self.stamp: Any = None
        """What the task referred to then."""
        self.origin: Task[R] | None = None
        """The task that this one is under another name."""
        functools.update_wrapper(self, function, updated=())
        self.name: str = getattr(function, "__name__", type(function).__name__)
        self.signature = _checked_signature(function, self.name, returns, self.directions)
        if any(direction.access is Access.SHARE for direction in self.directions.values()):
            self.options = replace(options, side_effects=True)  # what it did to a shared file cannot be undone
        parameters = self.signature.parameters.values()
        named = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        self._positional: list[Parameter] = [(p.name, self.directions.get(p.name, IN)) for p in named]
        self._required = sum(p.default is p.empty for p in named)
        self._plain = not any(p.kind is p.KEYWORD_ONLY and p.default is p.empty for p in parameters)

    def __call__(self, *args: Any, **kwargs: Any) -> Future[R]:
        """Record a call and return the Future of its result at once.

        Raises
        ------
        TypeError
            When the arguments do not fit the function, or cannot be passed to a task.
        """
        result: Future[R] = self._call(self._positional, args, kwargs, sys._getframe(1))
        return result

    def bind_to(self, owner: Any) -> Callable[..., Any]:
        """Return this task as a method of ``owner``, which it may change unless told ``self=IN``."""
        name = self._positional[0][0] if self._positional else "self"
        parameters = [(name, self.directions.get(name, INOUT)), *self._positional[1:]]

        def method(*args: Any, **kwargs: Any) -> Any:
            return self._call(parameters, (owner, *args), kwargs, sys._getframe(1))

        return functools.update_wrapper(method, self.function)

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        return self if owner is None or isinstance(owner, type) else self.bind_to(owner)

    def named(self, name: str) -> Task[R]:
        """Return this task under another name, for pictures and messages."""
        other: Task[R] = copy.copy(self)
        other.name, other.origin, other.pickled = name, self, None
        return other

    def kind(self) -> type | None:
        """The class that the function is annotated to return, whose task methods a Future forwards; None if unknown."""
        try:
            annotation = typing.get_type_hints(self.function).get("return")
        except NameError:  # an annotation that only a type checker can resolve
            return None
        return annotation if isinstance(annotation, type) else None

    def _call(self, positional: list[Parameter], args: tuple[Any, ...], kwargs: dict[str, Any], caller: Any) -> Any:
        n_args = len(args)
        if kwargs or not self._plain or not self._required <= n_args <= len(positional):
            parameters = self._match(positional, args, kwargs)
        else:
            parameters = positional[:n_args]
        context = current_context()
        site = f"{caller.f_code.co_filename}:{caller.f_lineno}"
        needs = None if self.options.constraint is None else self._needs(self.options.constraint, args, kwargs)
        session, values, names = context.session, (*args, *kwargs.values()), tuple(kwargs)
        session.prepare(self, context)
        arguments = bind_simple(values, names, parameters, session)
        if arguments is not None:
            node, failure, futures = session.record(self, arguments, context, site, needs)
        else:
            with context.calling:  # threads that change one object take turns
                arguments = bind_arguments(self, values, names, parameters, context, site)
                node, failure, futures = session.record(self, arguments, context, site, needs)
        session.begin(node, failure)
        return futures[0] if self.returns is None else tuple(futures)

    def _needs(self, constraint: Constraint, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Needs:
        """What a call with these arguments needs of the machine."""
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return constraint.needs(self.name, bound.arguments, lambda function: function(*args, **kwargs))

    def _match(self, positional: list[Parameter], args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Parameter]:
        """The parameter of each argument, for calls that are not plainly positional."""
        try:
            self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{self.name}: {error}; its signature is {self.name}{self.signature}.") from None
        by_kind = {p.kind: p.name for p in self.signature.parameters.values()}
        rest = by_kind.get(inspect.Parameter.VAR_POSITIONAL, "")
        parameters = positional[: len(args)]
        parameters += [(rest, self.directions.get(rest, IN))] * (len(args) - len(parameters))
        collected = by_kind.get(inspect.Parameter.VAR_KEYWORD, "")
        names = (name if name in self.signature.parameters else collected for name in kwargs)
        return parameters + [(name, self.directions.get(name, IN)) for name in names]

    def __repr__(self) -> str:
        return f"<Task {self.name}{self.signature}>"

    def __copy__(self) -> Task[R]:
        other: Task[R] = Task.__new__(Task)
        other.__dict__.update(self.__dict__)
        return other

    def __reduce__(self) -> tuple[Any, ...]:
        if self.origin is not None:
            return Task.named, (self.origin, self.name)
        module = getattr(self.function, "__module__", None) or "__main__"
        name = getattr(self.function, "__qualname__", "")
        if module != "__main__" and name and _find_task(module, name) is self:
            return _find_task, (module, name)
        return Task, (self.function, self.returns, self.directions, self.options)


def _find_task(module: str, qualified_name: str) -> Any:
    """The object of that name, or None; a module that is not imported yet is imported."""
    try:
        found: Any = importlib.import_module(module)
    except ImportError:
        return None
    for part in qualified_name.split("."):
        found = inspect.getattr_static(found, part, None)
    return found


def _signature_of(function: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(function)
    except ValueError:  # some functions written in C do not tell
        kinds = {"args": inspect.Parameter.VAR_POSITIONAL, "kwargs": inspect.Parameter.VAR_KEYWORD}
        return inspect.Signature([inspect.Parameter(name, kind) for name, kind in kinds.items()])


_NOT_PLAIN = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)


def _checked_signature(
    function: Callable[..., Any], name: str, returns: int | None, directions: dict[str, Direction]
) -> inspect.Signature:
    if not callable(function):
        raise TypeError(f"task: expected a function, got {type(function).__name__}; put @task above a def.")
    if any(check(function) for check in _NOT_PLAIN):
        raise TypeError(f"task: {name} is a coroutine or generator function; a task is a plain function with a result.")
    if returns is not None and (isinstance(returns, bool) or not isinstance(returns, int) or returns < 1):
        raise TypeError(f"task: {name}: returns={returns!r} is not a number of values; give an int of at least 1.")
    signature = _signature_of(function)
    for parameter, direction in directions.items():
        if parameter not in signature.parameters:
            raise TypeError(
                f"task: {name} has no parameter {parameter!r}; its parameters are {', '.join(signature.parameters)}. "
                "Options of task: returns, target_direction, on_failure, defaults, time_out, killable, side_effects, "
                "priority."
            )
        if not isinstance(direction, Direction):
            raise TypeError(
                f"task: {name}: {parameter}={direction!r} is not a direction; use IN, OUT, INOUT, FILE_IN, …"
            )
        if direction.access is Access.SHARE and direction.content is Content.OBJECT:
            raise TypeError(
                f"task: {name}: {parameter}=CONCURRENT: tasks share no memory, so they cannot change one object at the "
                "same time; use COMMUTATIVE for an object, or FILE_CONCURRENT for a file."
            )
    return signature


@overload
def task(function: Callable[..., R], /) -> Task[R]: ...
@overload
def task(*, returns: int, **options: Any) -> ReturnsMany: ...
@overload
def task(*, returns: None = None, **options: Any) -> Callable[[Callable[..., R]], Task[R]]: ...
def task(
    function: Any = None,
    /,
    *,
    returns: int | None = None,
    target_direction: Direction | None = None,
    on_failure: str = OnFailure.FAIL,
    defaults: Mapping[str, Any] | None = None,
    time_out: float | None = None,
    killable: bool = False,
    side_effects: bool = False,
    priority: int = 0,
    **directions: Direction,
) -> Any:
    """Make a function a task: a call of it returns a Future at once, and runs when its arguments are there.

    Parameters
    ----------
    function : callable, optional
        The function, when used as a bare ``@task``.
    returns : int, optional
        Number of values the function returns; the call then gives a tuple of so many Futures. By default a call
        gives one Future, whatever the function returns.
    target_direction : Direction, optional
        What a method does with the object it belongs to: ``INOUT`` (default), ``IN`` or ``COMMUTATIVE``. The same as a
        direction for its first parameter.
    on_failure : {"FAIL", "RETRY", "CANCEL_SUCCESSORS", "IGNORE"}
        What a failure means. FAIL (default): what depends on the task, and what has not started in its groups, is
        cancelled; the next wait raises. RETRY: it runs again, up to three times, on its arguments as they were.
        CANCEL_SUCCESSORS: only what depends on it is cancelled, and only who waits for that is told. IGNORE: its
        results are the ``defaults``.
    defaults : dict, optional
        Values for the results of an ignored failure: under ``"returns"`` (a tuple if there are several) and under the
        names of parameters that the task writes (for files, the path of a file to copy). Without one a result is
        None, and a parameter is what it was.
    time_out : float, optional
        Seconds that the function may take. It runs in a process of its own, which is killed when they are over; that
        is a failure, a `TaskTimeoutError`.
    killable : bool
        Run in a process of its own, so that cancelling stops it at once, whatever it does.
    side_effects : bool
        Never run the task a second time when a worker was lost: that is a `TaskLostError` instead.
    priority : int or bool
        Among tasks that are ready, those of a higher priority go first; 0 by default.
    **directions : Direction
        What the task does with a parameter: ``IN`` (default), ``OUT``, ``INOUT``, ``FILE_IN``, …; for ``*args``, with
        each of them. ``self`` of a method is ``INOUT``.

    Returns
    -------
    Task
        To be called like the function; ``__wrapped__`` is the function itself.

    Raises
    ------
    TypeError, ValueError
        When a direction names no parameter, an option makes no sense, or the function cannot be a task.

    Examples
    --------
    >>> from dsflow import task, wait_on
    >>> @task
    ... def add(x, y):
    ...     return x + y
    >>> wait_on(add(add(1, 2), 3))
    6
    """
    asked: dict[str, Any] = {
        "on_failure": on_failure,
        "defaults": defaults,
        "time_out": time_out,
        "killable": killable,
        "side_effects": side_effects,
        "priority": priority,
    }

    def decorate(decorated: Callable[..., R]) -> Task[R]:
        name = getattr(decorated, "__name__", type(decorated).__name__)
        parameters = list(_signature_of(decorated).parameters) if callable(decorated) else []
        if target_direction is not None and parameters:
            directions.setdefault(parameters[0], target_direction)
        return Task(decorated, returns, directions, checked_options(f"task: {name}", parameters, **asked))

    return decorate if function is None else decorate(function)


def constraint(
    *, cpus: Amount = 1, memory: Amount = 0, gpus: Amount = 0, labels: str | Iterable[str] = ()
) -> Callable[[T], T]:
    """Say what a task needs of the machine it runs on; put it above ``@task``.

    A task runs when what it needs is free, and has it for itself as long as it runs. A number may also be the name of
    a parameter of the task, or a function that takes the task's arguments.

    Parameters
    ----------
    cpus : int, str or callable
        Cores; 1 by default.
    memory : int, str or callable
        Bytes, or a text such as ``"2 GiB"``.
    gpus : int, str or callable
        GPUs; the task sees only its own (`current_task` tells which).
    labels : str or iterable of str
        What the worker must have, as `start` or the cluster was told.

    Raises
    ------
    TypeError, ValueError
        Here, when an amount makes no sense; at the call, when it cannot be found from the arguments.
    ConstraintError
        At the call, when no worker could ever satisfy it.

    Examples
    --------
    >>> from dsflow import constraint, task
    >>> @constraint(cpus=2, memory="1 GiB")
    ... @task
    ... def solve(matrix): ...
    """

    def decorate(decorated: T) -> T:
        if not isinstance(decorated, Task):
            raise TypeError(f"constraint: expected a task, got {type(decorated).__name__}; put it above @task.")
        declared = checked_constraint(decorated.name, decorated.signature, cpus, memory, gpus, labels)
        decorated.options = replace(decorated.options, constraint=declared)
        return decorated

    return decorate
