"""Law 1: chosen programs on tasks that fail and run again, that are ignored, and on how tasks are to be run."""

import pytest

from tests.dsflow.programs import assert_same

CHOSEN = {
    "a task that fails at first begins anew with what it was given": """
        a, b, c = [0], np.zeros(200_000, dtype=int), make_list(3)
        n = add_at_last(slow_add(1, 2), 3, TRIES + "/1", 3)
        retry_append(a, n, TRIES + "/2", 2)
        append(a, 4)
        retry_append(c, 5, TRIES + "/3", 3)
        m = retry_increase(b, 6, TRIES + "/4", 2)
        retry_increase(b, m[0], TRIES + "/5", 1)
        k = [weight(a), weight(b), weight(c)]
        for i in range(4):
            retry_gather(a, i, TRIES + f"/gather{i}", i)
        x = [1, a, Account(1)]
        retry_bump_items(x, 7, TRIES + "/6", 2)
        retry_modest_append(a, 8, TRIES + "/7", 1)
    """,
    "files of a task that fails at first": """
        p = FOLDER + "/p.txt"
        retry_write(p, 1, TRIES + "/1", 2)
        n = retry_add_line(p, 2, TRIES + "/2", 3)
        fill_folder(FOLDER + "/d", ["one.txt"], n)
        retry_add_to_folder(FOLDER + "/d", "one.txt", TRIES + "/3", 2)
        m = [weight_of_file(p), weight_of_folder(FOLDER + "/d")]
        p = 0
    """,
    "failures that are ignored": """
        a, b = [0], make_list(3)
        results = [add_if_even(1, 2), add_if_even(1, 3), split_if_even(4), split_if_even(5)]
        for i in range(4):
            append_if_even(a, i)
            append_if_even(b, slow_add(i, i + 1))
            gather_if_even(a, i)
        n = [append_or_reset(a, 1), append_or_reset(b, 2), weight(a), weight(b)]
        x = [1, [2]]
        m = [bump_items_if_even(x, 2), bump_items_if_even(x, 3)]
        c, d = [1], Account(5)
        refill_if_even(c, 3)
        refill_if_even(d, 3)
        refill_if_even(d, 4)
    """,
    "files of failures that are ignored": """
        write(FOLDER + "/p.txt", "begin")
        add_line_if_even(FOLDER + "/p.txt", 1)
        add_line_if_even(FOLDER + "/p.txt", 2)
        results = [write_if_even(FOLDER + "/q.txt", 1), write_if_even(FOLDER + "/r.txt", 2)]
        n = weight_of_files([FOLDER + "/q.txt", FOLDER + "/r.txt"])
    """,
    "main goes on with what was before a failure": """
        a, b = [0], Account(1)
        write(FOLDER + "/p.txt", "begin")
        for i in range(4):
            try:
                append_or_fail(a, i)
                wait_on(a)
            except ValueError:
                a.append(i)
            try:
                b.deposit(i)
                deposit_or_fail(b, i)
                b = wait_on(b)
            except ValueError:
                b.balance += 7
            try:
                add_line(FOLDER + "/p.txt", 5)
                add_line_or_fail(FOLDER + "/p.txt", i)
                wait_on_file(FOLDER + "/p.txt")
            except ValueError:
                add_to(FOLDER + "/p.txt", "failed")
    """,
    "groups, priorities and constraints": """
        a = [0]
        with TaskGroup("one"):
            n = [urgent_add(i, i) for i in range(6)]
            append_some_time(a, 1)
            with TaskGroup("inner", implicit_barrier=False):
                append_with_cpus(a, 2, CPUS)
                append_with_cpus(a, 3, 1)
        barrier_group("inner")
        m = [modest_add(i, slow_add(i, 1)) for i in range(6)]
        k = [append_in_group(a, i) for i in range(3)]
        barrier()
        append_with_cpus(a, weight(k), CPUS)
    """,
    "tasks with a limit of time": """
        a = [0]
        write(FOLDER + "/p.txt", "begin")
        n = add_in_time(add_in_time(1, 2), 3)
        append(a, n)
        append_in_time(a, FOLDER + "/p.txt", n)
        append_in_time(a, FOLDER + "/p.txt", weight(a))
        m = weight_of_file(FOLDER + "/p.txt")
    """,
}


ENGINES = ["serial", "threads", "dask-inproc", pytest.param("dask", marks=pytest.mark.slow)]


@pytest.mark.parametrize("name", CHOSEN)
@pytest.mark.parametrize("engine", ENGINES, indirect=True)
def test_a_chosen_program_gives_what_it_gives_with_plain_functions(engine, name):
    assert_same(CHOSEN[name])
