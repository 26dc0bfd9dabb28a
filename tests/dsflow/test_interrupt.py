"""Interrupting Python code in a thread: it reaches the code it is for, and nothing else."""

import contextlib
import queue
import random
import sys
import threading
import time

import pytest

import dsflow._interrupt
from dsflow._freeze import freeze, thaw
from dsflow._interrupt import TaskInterrupted, checkpoint, interrupt, nested, run_interruptible, where

DEADLINE_S = 30


def spin():
    while True:
        sum(range(10))


class Call(threading.Thread):
    """A thread that runs functions one after the other; what escapes from them is kept."""

    def __init__(self, *functions):
        super().__init__(daemon=True)
        self.functions = functions
        self.results = []
        self.start()

    def run(self):
        for function in self.functions:
            try:
                self.results.append(function())
            except BaseException as error:
                self.results.append(error)

    def end(self):
        self.join(DEADLINE_S)
        assert not self.is_alive()
        return self.results


def comes_true(condition):
    end = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.001)
    return True


def interrupt_soon(key, **how):
    assert comes_true(lambda: interrupt(key, **how)), f"{key} does not run"


@pytest.fixture(autouse=True)
def nothing_is_left():
    """No run is known any more, and no thread watches for one."""
    yield
    assert comes_true(lambda: not any(each.name == "dsflow-interrupts" for each in threading.enumerate()))
    state = dsflow._interrupt
    assert not any([state._running, state._claimed, state._watched, state._innermost])


def test_code_is_interrupted_wherever_it_is():
    call = Call(lambda: run_interruptible("a", spin))
    interrupt_soon("a")
    assert call.end() == [None]


def test_a_function_that_is_let_alone_gives_its_result_or_error():
    assert run_interruptible("a", divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        run_interruptible("a", divmod, 7, 0)


def test_what_does_not_run_is_not_interrupted():
    run_interruptible("a", divmod, 7, 2)
    assert not interrupt("a")
    assert not interrupt("b")


def test_the_users_handlers_of_exceptions_do_not_see_it_but_its_finally_does():
    cleaned = []

    def work():
        try:
            with contextlib.suppress(Exception):
                spin()
        finally:
            cleaned.append(True)

    call = Call(lambda: run_interruptible("a", work))
    interrupt_soon("a")
    assert call.end() == [None]
    assert cleaned == [True]


def test_who_catches_it_goes_on_and_is_not_interrupted_again():
    def work():
        caught = 0
        for _ in range(2):
            try:
                end = time.monotonic() + 0.1
                while time.monotonic() < end:
                    sum(range(10))
            except TaskInterrupted:
                caught += 1
        return caught

    call = Call(lambda: run_interruptible("a", work))
    interrupt_soon("a")
    while call.is_alive():
        interrupt("a")
        time.sleep(0.01)
    assert call.end() == [1]


def test_an_exception_that_nobody_asked_for_passes():
    def work():
        raise TaskInterrupted

    with pytest.raises(TaskInterrupted):
        run_interruptible("a", work)


# --- one inside the other --------------------------------------------------------------------------------------------


def test_the_inner_one_ends_alone():
    call = Call(lambda: run_interruptible("outer", lambda: [run_interruptible("inner", spin), "goes on"]))
    interrupt_soon("inner")
    assert call.end() == [[None, "goes on"]]


@pytest.mark.parametrize("in_thread", [False, True])
def test_the_outer_one_ends_through_the_inner_ones(in_thread):
    reached = []

    def inner():
        run_interruptible("inner", spin)
        reached.append("inner")

    def outer():
        if in_thread:
            thread = threading.Thread(target=nested(inner))
            thread.start()
            thread.join()
            checkpoint()
        else:
            inner()
        reached.append("outer")

    call = Call(lambda: run_interruptible("outer", outer), lambda: "next")
    assert comes_true(lambda: where("inner"))
    interrupt_soon("outer")
    assert call.end() == [None, "next"]
    assert reached == []


def test_the_outer_one_ends_though_the_inner_one_swallows_the_exception():
    def inner():
        try:
            spin()
        except BaseException:
            return "swallowed"

    call = Call(lambda: run_interruptible("outer", lambda: [run_interruptible("inner", inner)]))
    assert comes_true(lambda: where("inner"))
    interrupt_soon("outer")
    assert call.end() == [None]


def test_nothing_starts_inside_of_what_was_interrupted():
    started = []

    def outer():
        try:
            spin()
        finally:
            run_interruptible("inner", started.append, 1)

    call = Call(lambda: run_interruptible("outer", outer))
    interrupt_soon("outer")
    assert call.end() == [None]
    assert not started


# --- where it does not land ------------------------------------------------------------------------------------------


def test_code_of_dsflow_is_never_left_half_done():
    """Seen by the lines at which it is raised: those of the function itself, though most of its time passes below."""
    lines = set()

    def work():
        value = {"key": [1, 2, 3]}
        try:
            while True:
                value = thaw(freeze(thaw(freeze(value, portable=False)), portable=False))
                sum(range(100))
        except TaskInterrupted as error:
            frames = error.__traceback__
            while frames.tb_next is not None:
                frames = frames.tb_next
            lines.add(frames.tb_frame.f_code.co_name)

    for _ in range(30):
        call = Call(lambda: run_interruptible("a", work))
        interrupt_soon("a")
        call.end()
    # the first instruction of a function of ours is as good as the call
    assert lines <= {"work", "thaw", "freeze"}


def test_a_module_that_is_being_imported_is_not_left_half_imported(tmp_path, monkeypatch):
    (tmp_path / "slow_module.py").write_text(
        "import time\nend = time.monotonic() + 0.3\nwhile time.monotonic() < end:\n    pass\nvalue = 1\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))

    def work():
        import slow_module

        while slow_module.value:
            pass

    call = Call(lambda: run_interruptible("a", work))
    interrupt_soon("a")
    assert call.end() == [None]
    assert sys.modules.pop("slow_module").value == 1


def test_what_is_taken_by_with_is_given_back():
    class Resource:
        taken = 0

        def __enter__(self):
            self.taken += 1
            end = time.monotonic() + 0.1
            while time.monotonic() < end:
                pass

        def __exit__(self, *_):
            self.taken -= 1

    resource = Resource()

    def work():
        with resource:
            spin()

    for _ in range(5):
        call = Call(lambda: run_interruptible("a", work))
        interrupt_soon("a")
        assert call.end() == [None]
        assert resource.taken == 0


def test_it_does_not_reach_what_the_thread_does_afterwards():
    """Threads run short functions under keys, and others interrupt them all the time; between them nothing happens."""
    end = time.monotonic() + 1.5
    hit, escaped, results = [0], [], []

    def short(n):
        total = 0
        for k in range(n):
            total += k
        return total

    def work(number):
        numbers = random.Random(number)
        while time.monotonic() < end:
            n = numbers.randrange(3000)
            result = run_interruptible(f"{number}", short, n)
            try:
                short(numbers.randrange(300))  # where nothing may be raised
            except TaskInterrupted as error:
                escaped.append(error)
            results.append(result is None or result == n * (n - 1) // 2)
            hit[0] += result is None

    def hunt(seed):
        numbers = random.Random(seed)
        while time.monotonic() < end:
            interrupt(f"{numbers.randrange(6)}")
            time.sleep(numbers.choice([0, 0, 0.0001, 0.001]))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        calls = [Call(lambda n=n: work(n)) for n in range(6)]
        hunters = [Call(lambda n=n: hunt(n)) for n in range(3)]
        assert [call.end() for call in [*calls, *hunters]] == [[None]] * 9
    finally:
        sys.setswitchinterval(interval)
    assert not escaped
    assert all(results)
    assert hit[0] > 10


def test_it_may_come_as_late_as_when_the_function_has_ended():
    """A loop over what C code gives is left without a look at exceptions; ours to see then."""
    values = queue.SimpleQueue()

    def work():
        value = None
        for value in iter(values.get, None):
            break
        return value

    for _ in range(20):
        call = Call(lambda: run_interruptible("a", work), lambda: sum(range(1000)))
        interrupt_soon("a")
        values.put("value")
        assert call.end() in ([None, 499500], ["value", 499500])


def test_it_is_raised_again_if_it_was_lost_in_a_finaliser():
    values = queue.SimpleQueue()
    lost = []

    class Finalised:
        def __del__(self):
            lost.append(False)

    def work():
        thing = Finalised()
        for _ in iter(values.get, None):
            del thing  # the first function that begins after the call
            break
        spin()

    call = Call(lambda: run_interruptible("a", work))
    assert comes_true(lambda: "work" in (where("a") or ""))
    interrupt("a")
    values.put("value")
    assert call.end() == [None]
    assert not lost
    assert comes_true(lambda: sys.unraisablehook is not dsflow._interrupt._try_again)


# --- where it is -----------------------------------------------------------------------------------------------------


def test_it_is_said_at_which_line_of_the_user_something_is():
    opened = threading.Event()
    call = Call(lambda: run_interruptible("a", lambda: opened.wait(DEADLINE_S)))
    assert comes_true(lambda: "lambda" in (where("a") or ""))
    text = where("a")
    opened.set()
    call.end()
    assert text.startswith(f"in {call.name}, now at {__file__}:")
    assert where("a") is None
