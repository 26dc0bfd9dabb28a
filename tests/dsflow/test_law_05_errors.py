"""Law 5: the error is the user's, and nothing becomes None."""

import inspect
import re
import threading
import traceback

import numpy as np
import pytest

import dsflow
from dsflow import INOUT, barrier, task, wait_on
from tests.dsflow.conftest import only


class OddError(Exception):
    """Its constructor does not take what ``args`` holds."""

    def __init__(self, code, reason):
        super().__init__(f"{reason} ({code})")
        self.code = code


class LockedError(Exception):
    """It holds what cannot be pickled."""

    def __init__(self, text):
        super().__init__(text)
        self.lock = threading.Lock()


class KeywordError(ValueError):
    def __init__(self, *, field):
        super().__init__()
        self.field = field

    def __str__(self):
        return f"bad field {self.field}"


def _inner_frame(x):
    raise OddError(7, f"no luck with {x}")


@task
def fail_oddly(x, y=None):
    return _inner_frame(x)


@task
def fail_with(error):
    raise error


@task
def identity(x):
    return x


@task(x=INOUT)
def append(x, item):
    x.append(item)


@task(x=INOUT)
def append_then_fail(x):
    x.append("half")
    raise OddError(1, "after half of the work")


@task
def call_failing(x):
    return fail_oddly(x)


@task
def wait_for_failing(x):
    return [wait_on(fail_oddly(x))]


@task
def forget_failing(x):
    fail_oddly(x)
    return "the result does not need it"


@task
def handle_failing(x):
    try:
        wait_on(fail_oddly(x))
    except OddError as error:
        return f"handled {error.code}"


def test_the_exception_is_the_users_own(engine):
    with pytest.raises(OddError, match="no luck with 3") as caught:
        wait_on(fail_oddly(3))
    assert str(caught.value) == "no luck with 3 (7)"
    assert caught.value.code == 7
    assert type(caught.value) is OddError


def test_the_traceback_shows_the_users_frames_and_lines(engine):
    with pytest.raises(OddError) as caught:
        wait_on(fail_oddly(3))
    frames = traceback.extract_tb(caught.value.__traceback__)
    names = [frame.name for frame in frames]
    assert names[-2:] == ["fail_oddly", "_inner_frame"]
    assert 'raise OddError(7, f"no luck with {x}")' in frames[-1].line
    assert "run_task" not in names
    assert 'raise OddError(7, f"no luck with {x}")' in "".join(traceback.format_exception(caught.value))


def test_notes_name_the_task_its_arguments_the_call_and_the_place(engine):
    line = inspect.currentframe().f_lineno + 2
    with pytest.raises(OddError) as caught:
        wait_on(fail_oddly(np.zeros((2, 3)), y=["secret", "words"]))
    note = "\n".join(caught.value.__notes__)
    assert "fail_oddly(ndarray (2, 3) float64, y=list of length 2)" in note
    assert f"{__file__}:{line}" in note
    place = {"serial": "main", "threads": "thread", "dask": "worker"}[engine.engine.name]
    assert place in note.split("ran on")[1]
    assert "secret" not in note


MADE = [
    KeyError("k"),
    KeywordError(field="age"),
    OSError(2, "gone", "a.txt"),
    UnicodeDecodeError("utf8", b"a", 0, 1, "x"),
]


@pytest.mark.parametrize("error", MADE, ids=lambda error: type(error).__name__)
def test_exceptions_of_every_make_arrive_whole(engine, error):
    kind, args = type(error), error.args  # the error itself, in the closure, would have to be pickled as it is
    named = {"field": "age"} if kind is KeywordError else {}
    args += (error.filename,) if isinstance(error, OSError) else ()

    @task
    def fail():
        raise kind(*args, **named)

    with pytest.raises(type(error)) as caught:
        wait_on(fail())
    assert type(caught.value) is type(error)
    assert str(caught.value) == str(error)
    assert {key: value for key, value in vars(caught.value).items() if key != "__notes__"} == vars(error)


def test_an_exception_that_is_defined_in_a_function_arrives(engine):
    class LocalError(Exception):
        pass

    @task
    def fail():
        raise LocalError("from inside")

    with pytest.raises(Exception, match="from inside") as caught:
        wait_on(fail())
    assert type(caught.value).__name__ == "LocalError"


def test_an_exception_that_cannot_be_pickled_arrives_at_least_as_text(engine):
    @task
    def fail():
        raise LockedError("its text")

    with pytest.raises(Exception, match="its text") as caught:
        wait_on(fail())
    assert "fail" in "\n".join(caught.value.__notes__)


def test_the_cause_of_an_exception_arrives(engine):
    @task
    def fail():
        try:
            {}["missing"]
        except KeyError as error:
            raise OddError(1, "wrapped") from error

    with pytest.raises(OddError) as caught:
        wait_on(fail())
    assert isinstance(caught.value.__cause__, KeyError)
    assert caught.value.__cause__.args == ("missing",)


def test_what_depends_on_a_failed_task_raises_the_same(engine):
    failed = fail_oddly(3)
    after = identity([identity(failed), 1])
    for future in (after, failed, after):
        with pytest.raises(OddError, match="no luck with 3"):
            wait_on(future)
    with pytest.raises(OddError, match="no luck with 3"):
        wait_on(identity(failed))
    with pytest.raises(OddError, match="no luck with 3"):
        wait_on({"x": [failed]})


def test_a_failure_raises_at_every_wait_and_its_traceback_does_not_grow(engine):
    failed = fail_oddly(3)
    lengths = []
    for _ in range(4):
        with pytest.raises(OddError) as caught:
            failed.result()
        lengths.append(len(traceback.extract_tb(caught.value.__traceback__)))
        assert len(caught.value.__notes__) == 1
    assert len(set(lengths)) == 1


@pytest.mark.parametrize("nested", [call_failing, wait_for_failing, forget_failing])
def test_a_failure_in_a_task_of_a_task_reaches_main(engine, nested):
    with pytest.raises(OddError, match="no luck with 3") as caught:
        wait_on(nested(3))
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert frames[-1].name == "_inner_frame"
    notes = "\n".join(caught.value.__notes__)
    assert "In task fail_oddly(int)" in notes
    barrier()  # the failure is raised once, not again for each task it went through


def test_a_task_may_handle_the_failure_of_its_own_task(engine):
    assert wait_on(handle_failing(3)) == "handled 7"
    barrier()


def test_barrier_raises_a_failure_that_no_wait_has_raised_and_only_once(engine):
    fail_oddly(3)
    with pytest.raises(OddError):
        barrier()
    barrier()


def test_barrier_says_how_many_more_have_failed(engine):
    keep = [fail_oddly(n) for n in range(3)]
    with pytest.raises(OddError) as caught:
        barrier()
    assert "2 more" in "\n".join(caught.value.__notes__)
    assert len(keep) == 3


@pytest.mark.parametrize("name", ["serial", "threads"])
def test_stop_raises_a_failure_that_no_wait_has_raised(no_session, name):
    dsflow.start(name, workers=2)
    fail_oddly(3)
    with pytest.raises(OddError):
        dsflow.stop()
    assert dsflow.active_session() is None


def test_stopping_the_with_form_raises_what_no_wait_has_raised(no_session):
    with pytest.raises(OddError), dsflow.start("serial"):
        fail_oddly(3)


def test_an_error_in_the_with_form_is_not_hidden_by_failures_of_tasks(no_session):
    with pytest.raises(ZeroDivisionError), dsflow.start("serial"):
        divmod(id(fail_oddly(3)), 0)


def test_the_session_lives_on_after_a_failure(engine):
    for n in range(3):
        with pytest.raises(OddError):
            wait_on(fail_oddly(n))
        assert wait_on(identity(n)) == n


def test_a_system_exit_in_a_task_is_its_failure(engine):
    @task
    def leave():
        raise SystemExit(3)

    with pytest.raises(SystemExit) as caught:
        wait_on(leave())
    assert caught.value.code == 3
    assert wait_on(identity(1)) == 1


def test_an_object_is_as_after_the_last_success_when_a_change_fails(engine):
    values = [1]
    append(values, 2)
    append_then_fail(values)
    append(values, 3)
    with pytest.raises(OddError):
        wait_on(values)
    assert values == [1, 2]
    append(values, 4)
    assert wait_on(values) == [1, 2, 4]


def test_an_object_that_no_task_has_changed_is_as_before_when_the_change_fails(engine):
    values = [1]
    append_then_fail(values)
    with pytest.raises(OddError):
        wait_on(values)
    assert values == [1]


def test_a_future_whose_change_fails_raises(engine):
    made = identity([1])
    append_then_fail(made)
    with pytest.raises(OddError):
        wait_on(made)


@task
def return_a_lock():
    return threading.Lock()


@task
def return_a_generator():
    return (n for n in range(3))


@task(x=INOUT)
def put_a_lock(x):
    x.append(threading.Lock())


@pytest.mark.parametrize("make", [return_a_lock, return_a_generator, lambda: put_a_lock(identity([]))])
def test_a_result_that_cannot_be_pickled_is_an_error_that_says_so(engine, make):
    future = make()
    with pytest.raises(TypeError, match="pickle") as caught:
        wait_on(future)
    message = str(caught.value) + "\n".join(caught.value.__notes__)
    assert "return_a" in message or "put_a_lock" in message
    assert re.search("what it returned or changed, a (lock|generator|list), cannot be copied.*return plain", message)


def test_an_argument_that_cannot_be_pickled_is_an_error_at_the_call(engine):
    with pytest.raises(TypeError, match=r"identity: .*cannot be copied.*lock.*pass what it is made from"):
        identity(threading.Lock())
    with pytest.raises(TypeError, match=r"identity: .*generator"):
        identity([(n for n in [1])])


def test_arguments_that_fail_in_pickling_with_their_own_error_are_an_error_at_the_call(engine):
    class Stubborn:
        def __reduce__(self):
            raise ValueError("I stay here")

    with pytest.raises(TypeError, match="I stay here"):
        identity(Stubborn())


def test_a_result_that_fails_in_pickling_with_its_own_error_is_an_error_of_the_task(engine):
    class Stubborn:
        def __reduce__(self):
            raise ValueError("I stay here")

    @task
    def make():
        return Stubborn()

    with pytest.raises(Exception, match="I stay here"):
        wait_on(make())


def test_a_result_that_cannot_be_read_back_is_an_error(engine):
    @task
    def make():
        return OnewayValue()

    with pytest.raises(Exception, match="cannot come back"):
        wait_on(identity(make()))


def _explode():
    raise OSError("cannot come back")


class OnewayValue:
    def __reduce__(self):
        return _explode, ()


@only("serial", "threads", "dask-inproc")
def test_an_exception_group_arrives(engine):
    @task
    def fail():
        raise ExceptionGroup("both", [ValueError("one"), OddError(2, "two")])

    with pytest.raises(ExceptionGroup, match="both") as caught:
        wait_on(fail())
    assert [str(each) for each in caught.value.exceptions] == ["one", "two (2)"]
