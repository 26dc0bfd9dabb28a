"""Law 1: chosen programs on what is filled, given up, changed in any order, and on collections."""

import pytest

from tests.dsflow.programs import assert_same

CHOSEN = {
    "filled": """
        a = [1]
        b = a
        refill(a, 2)
        append(b, 3)
        n = weight(a)
        refill(a, n)
        c = np.arange(5)
        d = make_dict(3)
        for each in (c, d, Account(1)):
            refill(each, 4)
        e = each.total(0)
        each = 0
    """,
    "one object that is filled in two places": """
        @task(x=OUT, y=OUT)
        def both(x, y):
            x[:] = [1]
            y[:] = [2]
        a = [0]
        both(a, a)
        b = [[3], np.zeros(3)]
        fill_items([b[0], b[1], b[0], b[1]], 7)
        wait_on(b)
    """,
    "given up": """
        a = make_list(4)
        n = slow_weight(a)
        m = weight_at_last(a)
        del a
        b = [1]
        append(b, 2)
        k = weight_at_last(b)
        c = open_account(3)
        l = weight_of_items_at_last([c, np.zeros(200_000), make_array(3)])
        del c, b
    """,
    "changed in any order, and read in between": """
        a = []
        for i in range(6):
            gather(a, slow_add(i, -i * i))
        n = weight(a)
        for i in range(6):
            gather(a, i)
        append(a, n)
        gather_weight(a, a[:0])
        b = make_list(4)
        gather_two(a, b, 5)
        gather_two(b, a, 6)
        gather(b, 7)
        wait_on(a)
    """,
    "changed in any order by tasks that wait for each other's objects": """
        a, b, c = [], [], []
        for i in range(3):
            gather_two(a, b, i)
            gather_two(b, c, i)
            gather_and_append(c, a, i)
            gather_two(c, a, weight(b))
        results = [weight(each) for each in (a, b, c)]
    """,
    "methods that commute": """
        a = Account(1)
        b = open_account(2)
        for i in range(5):
            a.credit(i)
            b.credit(slow_add(i, i))
            credit(a, -i)
        a.deposit(3)
        b.reopen(4)
        b.credit(1)
        n = [a.total(), b.total()]
    """,
    "elements that other tasks change before and after": """
        a, b, c = [1], np.zeros(3, dtype=int), Account(2)
        x = [a, b, c, 5, "word", None, add(1, 2), make_list(3)]
        append(a, 2)
        n = weight_of_items([b, c, x[6]])
        bump_items(x, 3)
        increase(b, 4)
        c.deposit(5)
        m = content_of_items(x)
        bump_items(x, n)
        wait_on(a)
        a.append(9)
        x = wait_on(x)
        x[7].append(8)
    """,
    "elements in two collections": """
        a, b = [1], {"b": 2}
        x, y = [a, 1, b], {"p": b, "q": 1, "r": a}
        bump_items(x, 1)
        bump_values(y, 2)
        bump_by_items(x, [a, b])
        fill_values(y, 3)
        bump_two(x, [b, a], 4)
        n = [weight(a), weight(b), weight_of_items(x), weight_of_values(y)]
        wait_on(a, b)
        x, y = wait_on(x), wait_on(y)
        same = [x[0] is a, y["r"] is a, y["p"] is b, x[2] is b]
    """,
    "one list in several places is one list": """
        a = [1]
        x = [a, [a, 2], {"a": a}, a]
        bump_deep(x, 3)
        bump_deep_inside(x, 1)
        a = wait_on(a)
        b = [1]
        y = [b, b]
        bump_deep(y, 1)
        y = wait_on(y)
        same = y[0] is y[1]
        c = [1, [2], 3]
        bump_two(c, c, 4)
    """,
    "collections in collections": """
        a = [[1, [2, [3]]], {"k": [4, {"l": (5,)}]}, []]
        bump_deep(a, 1)
        n = weight_of_items(a)
        b = {"rows": a[0], "more": [slow_add(1, 2), Account(1)]}
        bump_values_deep(b, 2)
        fill_deep([b["rows"], a], 3)
        del a
        b = wait_on(b)
        bump_rows(7, b["rows"], b["more"])
    """,
    "main changes a collection itself without waiting": """
        x = [1, [2], 3]
        bump_items(x, 1)
        x.append(4)
        x.reverse()
        x[0] = x[1]
        bump_items(x, 2)
        del x[1]
        x.insert(0, x.pop())
        n = weight_of_items(x)
    """,
    "collections inside tasks": """
        x = [1, [2], Account(3), add(1, 3)]
        bump_inside(x, 1)
        y = {"a": 1, "b": [2]}
        n = bump_values_inside(y, 2)
        fill_inside(x, 3)
        results = [build_items(4), bump_and_wait(5), gather_a_list(6)]
    """,
    "directions of the rest of the arguments": """
        @task(rows=COLLECTION_INOUT(depth=1), named=COLLECTION_OUT(depth=1))
        def change(n, *rows, **named):
            for row in rows:
                row[0] += n
            for name, row in named.items():
                row[0] = name
        a, b, c, d = [1], [2, 3], [4], [5]
        change(2, a, b, x=c, y=d)
        change(3, b)
        change(4, z=a)
        e = [bump_each([1], Account(1)), bump_each(n=3, left=b[1:], right=[])]
    """,
}


ENGINES = ["serial", "threads", "dask-inproc", pytest.param("dask", marks=pytest.mark.slow)]


@pytest.mark.parametrize("name", CHOSEN)
@pytest.mark.parametrize("engine", ENGINES, indirect=True)
def test_a_chosen_program_gives_what_it_gives_with_plain_functions(engine, name):
    assert_same(CHOSEN[name])
