"""Law 1: a program gives what it gives with plain functions, on every engine. Chosen programs on objects."""

import pytest

from tests.dsflow.programs import assert_same

CHOSEN = {
    "two names for one object": """
        a = [1]
        b = a
        append(a, 2)
        extend(b, a)
        n = weight([a, {"b": b}])
        m = weigh(wait_on(b))
    """,
    "one object as INOUT and inside another argument": """
        a = make_list(4)
        b = append_pair(a, [a, {"again": a}])
        c = [1, 2]
        d = append_pair(c, [c, {"again": c}])
        wait_on(c)
    """,
    "a task that changes the same object twice": """
        a = [1]
        exchange(a, a)
        b = make_list(3)
        exchange(b, b)
        wait_on(a)
    """,
    "reading between changes": """
        a = np.arange(5)
        seen_sums = []
        for i in range(6):
            increase(a, slow_add(i, 1))
            seen_sums.append(total_of(a))
        wait_on(a)
    """,
    "main goes on with its own object after a wait": """
        a = [1]
        slow_append(a, 2)
        wait_on(a)
        a.append(3)
        n = slow_weight(a)
        a.append(4)
        m = weight(a)
        append(a, 5)
        wait_on(a)
    """,
    "main changes an argument after the call": """
        a = [1, 2]
        big = np.zeros(200_000, dtype=int)
        account = Account(5)
        n = slow_add(1, 1)
        results = [weight([n, a]), weight([n, big]), weight([n, account])]
        a.append(3)
        big[7] = 1
        account.balance = 0
    """,
    "a result is changed while others hold it": """
        a = make_dict(3)
        b = [a, a]
        n = weight(b)
        put(a, 8)
        m = weight(b)
        both = wait_on([n, m])
    """,
    "futures in containers of containers": """
        a = add(1, 2)
        result = deep_copy({"x": [a, (a, Pair(a, [a]))], "y": Point(x=a, y={"z": a})})
    """,
    "futures in nested results": """
        a = nested_results(add(1, 2))
        b = nested_results(4)
        put(a, b)
    """,
    "a changed object inside other objects": """
        inner = [1]
        account = Account(inner)
        box = {"inner": inner, "account": account}
        slow_append(inner, 2)
        n = weight(box)
        m = weight(account)
        wait_on(inner)
    """,
    "a method that changes an object that main holds": """
        a = Account(1)
        b = a
        for i in range(4):
            a.compound(i)
        n = b.total(extra=a.slow_withdraw(2))
        a = wait_on(a)
        a.balance += 1
        m = a.total(0)
    """,
    "methods on results": """
        a = open_account(add(1, 2))
        a.deposit(5)
        n = a.total()
        a.deposit(6)
        m = [n, a.total()]
    """,
    "a tree of sums": """
        parts = [slow_add(i, i) for i in range(8)]
        while len(parts) > 1:
            parts = [add(x, y) for x, y in zip(parts[::2], parts[1::2])]
    """,
    "temporary objects whose identity is used again": """
        results = []
        for i in range(50):
            a = Account(i)
            a.deposit(1)
            results.append(a.total())
            del a
    """,
    "a failure of nothing: empty containers": """
        results = [weight([]), weight({}), weight(()), deep_copy([[], {}, ()]), weight_of_all()]
    """,
    "numpy values of every layout": """
        fortran = np.asfortranarray(np.arange(6).reshape(2, 3))
        strided = np.arange(10)[::3]
        scalar = np.int64(3)
        zero = np.array(5)
        objects = np.array([[1], "two", None], dtype=object)
        empty = np.zeros((0, 3))
        record = np.zeros(2, dtype=[("a", int), ("b", float)])
        results = [deep_copy([each]) for each in (fortran, strided, zero, objects, empty, record)]
        sums = [total_of(fortran), add(scalar, zero), total_of(strided)]
    """,
    "more kinds of containers that tasks change": """
        @task(x=INOUT)
        def add_one(x):
            (x.add if isinstance(x, set) else x.append)(7)
        import collections
        x = box = [{1, 2}, collections.deque([1]), bytearray(b"ab")]
        for x in box:
            add_one(x)
            add_one(x)
        x = 0
        results = [deep_copy(sorted(wait_on(x))) for x in box]
    """,
    "functions as arguments": """
        @task
        def call(function, *arguments):
            return wait_on(function(*arguments))
        power = 3
        results = [call(add, 1, 2), call(lambda x: x ** power, 4), call(call, add, 5, 6), call(max, 1, add(2, 3))]
    """,
    "recursion": """
        n = fibonacci(9)
        @task
        def count(n):
            return 0 if n == 0 else add(count(n - 1), 1)
        m = count(12)
    """,
    "a task that hands its own change on": """
        @task(x=INOUT)
        def outer(x, n):
            if n:
                append(x, n)
                outer(x, n - 1)
                append(x, -n)
        a = [0]
        outer(a, 3)
        b = make_list(1)
        outer(b, 2)
        wait_on(a)
    """,
}


@pytest.mark.parametrize("name", CHOSEN)
def test_a_chosen_program_gives_what_it_gives_with_plain_functions(engine, name):
    assert_same(CHOSEN[name])
