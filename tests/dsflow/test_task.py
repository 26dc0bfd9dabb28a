"""@task: what it refuses, at the decorator and at the call, and how arguments are matched."""

import datetime as dt
import enum
import functools
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import dsflow
from dsflow import IN, INOUT, Task, task, wait_on


class Color(enum.Enum):
    RED = 1


@task
def show(a, b=2, *rest, c=3, **others):
    return a, b, rest, c, others


@task(x=INOUT)
def change(x):
    x.append(1)


@task(x=INOUT, more=INOUT, others=INOUT)
def change_all(x=None, *more, **others):
    for each in (x, *more, *others.values()):
        if each is not None:
            each.append(1)


@task
def needs_keyword(a, *, key):
    return a, key


@task
def only_positional(a, b=5, /):
    return a, b


@task
def identity(x):
    return x


@task(returns=2)
def pair_of(value):
    return value


@task(returns=1)
def one_of(value):
    return value


class Tools:
    @staticmethod
    @task
    def double(x):
        return 2 * x

    @task
    def of_class(x):
        return x + 1


# --- the decorator ---------------------------------------------------------------------------------------------------


def test_a_direction_for_an_unknown_parameter_is_an_error_that_lists_the_parameters():
    with pytest.raises(TypeError, match=r"f has no parameter 'z'; its parameters are x, y"):

        @task(z=INOUT)
        def f(x, y): ...


def test_a_direction_that_is_none_is_an_error():
    with pytest.raises(TypeError, match=r"x='INOUT' is not a direction; use IN, OUT, INOUT"):

        @task(x="INOUT")
        def f(x): ...


@pytest.mark.parametrize("returns", [0, -1, True, 1.5, "2"])
def test_a_bad_number_of_returns_is_an_error(returns):
    with pytest.raises(TypeError, match=f"returns={returns!r}"):

        @task(returns=returns)
        def f(): ...


def test_coroutines_and_generators_are_refused():
    with pytest.raises(TypeError, match="f is a coroutine"):

        @task
        async def f(): ...

    with pytest.raises(TypeError, match="coroutine or generator"):

        @task
        async def g():
            yield 1

    with pytest.raises(TypeError, match="generator"):

        @task
        def h():
            yield 1


@pytest.mark.parametrize("thing", [5, "text"])
def test_what_is_not_callable_is_refused(thing):
    with pytest.raises(TypeError, match=f"expected a function, got {type(thing).__name__}"):
        task(thing)


def test_a_task_looks_like_its_function():
    def add(x: int, y: int = 1) -> int:
        """Add."""
        return x + y

    decorated = task(add)
    assert isinstance(decorated, Task)
    assert decorated.__wrapped__ is add
    assert (decorated.__name__, decorated.__doc__) == ("add", "Add.")
    assert repr(decorated) == "<Task add(x: int, y: int = 1) -> int>"


def test_directions_show_what_was_written():
    assert (repr(IN), repr(INOUT), repr(IN(copy=True))) == ("IN", "INOUT", "IN(copy=True)")
    assert IN(copy=True).copy
    assert INOUT(copy=False).copy
    assert not IN.copy


# --- the call --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: show(), "show: missing a required argument: 'a'"),
        (lambda: needs_keyword(1), "needs_keyword: missing a required"),
        (lambda: needs_keyword(1, 2), "needs_keyword: too many positional"),
        (lambda: identity(1, 2), "identity: too many positional"),
        (lambda: identity(y=1), "identity: .*'y'|identity: missing"),
        (lambda: identity(1, x=1), "identity: multiple values for argument 'x'"),
        (lambda: only_positional(1, b=2), "only_positional: .*'b'"),
    ],
)
def test_arguments_that_do_not_fit_are_a_type_error_at_the_call(engine, call, words):
    with pytest.raises(TypeError, match=words) as caught:
        call()
    assert "signature" in str(caught.value)
    assert not engine.graph.pending


def test_arguments_are_matched_as_python_does(engine):
    one = identity(1)
    calls = [show(one), show(one, 5), show(one, 5, one, 7, c=one, d=[one]), show(a=one, z=0), show(b=one, a=0)]
    expected = [
        (1, 2, (), 3, {}),
        (1, 5, (), 3, {}),
        (1, 5, (1, 7), 1, {"d": [1]}),
        (1, 2, (), 3, {"z": 0}),
        (0, 1, (), 3, {}),
    ]
    assert wait_on(calls) == expected
    assert wait_on(needs_keyword(1, key=one), only_positional(one)) == [(1, 1), (1, 5)]


def test_inout_holds_for_positional_keyword_and_collected_arguments(engine):
    lists = [[] for _ in range(5)]
    change_all(lists[0], lists[1], lists[2], y=lists[3])
    change_all(x=lists[4])
    change_all()
    assert wait_on(lists) == [[1]] * 5
    assert lists == [[1]] * 5


def test_a_default_that_a_task_changes_is_not_shared_between_calls(engine):
    """A call without the argument gives what a call with the default gives."""

    @task
    def collect(item, seen=()):
        return [*seen, item]

    assert wait_on(collect(1), collect(2)) == [[1], [2]]


def test_static_methods_and_tasks_of_a_class_are_tasks(engine):
    assert wait_on(Tools.double(identity(4)), Tools().double(4), Tools.of_class(1)) == [8, 8, 2]


def test_returns_gives_so_many_futures(engine):
    a, b = pair_of((1, [2]))
    assert wait_on(a, b) == [1, [2]]
    (only,) = one_of([5, 6])
    assert wait_on(only) == [5, 6]
    c, d = pair_of([identity(3), 4]) if engine.engine.name == "serial" else pair_of(identity((3, 4)))
    assert wait_on(c, d) == [3, 4]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([1, 2, 3], "3 values"),
        ((), "0 values"),
        (5, "a int"),
        (None, "a NoneType"),
        ("ab", "a str"),
        ({1: 2}, "a dict"),
    ],
)
def test_a_wrong_number_of_results_is_an_error_of_the_task(engine, value, words):
    a, b = pair_of(value)
    for future in (a, b):
        with pytest.raises(ValueError, match=f"pair_of: returns=2 was declared, but the function returned {words}"):
            wait_on(future)


@pytest.mark.parametrize(
    "value",
    [
        5, 1.5, True, "text", b"bytes", None, (1, [2]), frozenset({1}), range(3), len, int, Color.RED, lambda: 1,
        dsflow, np.float64(1), np.int32(1), np.bool_(True), np.str_("text"), np.datetime64("2026-01-01"), Decimal(1),
        Fraction(1, 2), dt.datetime(2026, 1, 1), dt.date(2026, 1, 1), dt.time(1), dt.timedelta(1),
    ],
)  # fmt: skip
def test_inout_of_what_cannot_change_is_a_type_error(engine, value):
    with pytest.raises(TypeError, match=r"change: argument 'x'.*cannot be changed in place; return the new value"):
        change(value)
    assert not engine.graph.pending


def test_inout_of_a_view_or_of_a_read_only_array_is_a_type_error(engine):
    whole = np.zeros((4, 4))
    for view in (whole[1:], whole.T, whole[:, 0], whole.reshape(-1)):
        with pytest.raises(TypeError, match="is a view of another array"):
            change(view)
    frozen = np.zeros(3)
    frozen.flags.writeable = False
    with pytest.raises(TypeError, match="read-only; pass a copy"):
        change(frozen)


def test_containers_that_contain_themselves_are_refused(engine):
    in_list, in_dict = [1], {}
    in_list.append(in_list)
    in_dict["x"] = ([in_dict],)
    for cyclic in (in_list, in_dict, [in_list]):
        with pytest.raises(ValueError, match=r"identity: .*contains itself"):
            identity(cyclic)
        with pytest.raises(ValueError, match="contains itself"):
            change(cyclic)


def test_one_object_twice_in_a_container_is_no_cycle(engine):
    part = [1]
    assert wait_on(identity([part, [part, {"x": part}]])) == [[1], [[1], {"x": [1]}]]


def test_a_refused_call_leaves_no_trace(engine):
    """The object of an earlier argument is not taken for changed."""
    values = [1]

    @task(x=INOUT, y=INOUT)
    def change_both(x, y): ...

    with pytest.raises(TypeError):
        change_both(values, 5)
    values.append(2)
    assert wait_on(identity(values)) == [1, 2]
    assert not engine.main.tracker


def test_a_task_made_of_a_partial_or_a_callable_object_works(engine):
    class Scale:
        def __init__(self, factor):
            self.factor = factor

        def __call__(self, x):
            return self.factor * x

    assert wait_on(task(functools.partial(pow, 2))(5)) == 32
    assert wait_on(task(Scale(3))(5)) == 15
    assert wait_on(task(lambda x: x + 1)(1)) == 2


def test_a_subclass_may_call_the_task_of_its_base(engine):
    class Base:
        def __init__(self):
            self.n = 0

        @task
        def add(self, k):
            self.n += k

    class Child(Base):
        @task
        def add(self, k):
            super().add(2 * k)

    child = Child()
    child.add(5)
    child.add(1)
    assert wait_on(child).n == 12


def test_functions_written_in_c_are_tasks_whether_they_tell_their_parameters_or_not(engine):
    largest, ordered = task(max), task(sorted)
    assert wait_on(largest(identity(3), 5), largest([1, identity(4)]), largest([], default=7)) == [5, 4, 7]
    assert wait_on(ordered([2, 1], reverse=True)) == [2, 1]
