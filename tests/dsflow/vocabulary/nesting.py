"""Tasks that call tasks."""

from pathlib import Path

from dsflow import (
    COLLECTION_FILE_OUT,
    COLLECTION_INOUT,
    COLLECTION_OUT,
    COMMUTATIVE,
    DICTIONARY_INOUT,
    DIRECTORY_INOUT,
    DIRECTORY_OUT,
    FILE_COMMUTATIVE,
    FILE_IN,
    FILE_INOUT,
    FILE_OUT,
    INOUT,
    OUT,
    TaskGroup,
    barrier,
    barrier_group,
    delete_file,
    file_exists,
    task,
    wait_on,
    wait_on_directory,
    wait_on_file,
)
from dsflow import (
    open as open_file,
)
from tests.dsflow.vocabulary.contents import Pair, add_to, text_of, weigh, write
from tests.dsflow.vocabulary.elements import bump_deep, bump_items, bump_values, fill_items, weight_of_items
from tests.dsflow.vocabulary.files import (
    add_line,
    add_to_folder,
    copy_file,
    gather_line,
    log_line,
    print_more,
    slow_double_file,
    weight_of_file,
    weight_of_folder,
    write_text,
    write_texts,
)
from tests.dsflow.vocabulary.objects import (
    Account,
    add,
    append,
    gather,
    make_list,
    refill,
    slow_append,
    weight,
)
from tests.dsflow.vocabulary.policies import add_if_even, append_if_even, urgent_add

# --- objects ---------------------------------------------------------------------------------------------------------


@task
def add_twice(x, y):
    return add(add(x, y), y)


@task
def fibonacci(n):
    n = n % 5
    return n if n < 2 else add(fibonacci(n - 1), fibonacci(n - 2))


@task
def nested_results(n):
    return {"sum": add(n, 1), "list": [make_list(n), (weight([n]), n)], "pair": Pair(add(n, 2), n)}


@task(values=INOUT)
def append_inside(values, n):
    append(values, n)
    before = weight(values)
    slow_append(values, add(n, 1))
    append(values, before)


@task
def build_list(n):
    values = [n]
    slow_append(values, n + 1)
    size = weight(values)
    append(values, size)
    wait_on(values)
    values.append(len(values))
    append(values, n)
    return values


@task
def sum_after_wait(value, n):
    part = add(n, 1)
    found = wait_on(part)
    return add(found, weigh(value))


@task(values=COMMUTATIVE)
def gather_inside(values, n):
    gather(values, n)
    gather(values, n + 1)
    gather(values, n + 2)


@task
def gather_a_list(n):
    values = []
    for i in range(4):
        gather(values, n - i)
    size = weight(values)
    gather(values, size)
    return values


@task(value=OUT)
def refill_inside(value, n):
    refill(value, n)


@task(x=INOUT)
def append_in_group(x, n):
    with TaskGroup("inner"):
        found = [urgent_add(n, i) for i in range(3)]
        append_if_even(x, n)
    with TaskGroup("later", implicit_barrier=False):
        slow_append(x, found[0])
    barrier_group("later")
    append(x, add_if_even(n, found[1]))
    barrier()
    return found


# --- elements --------------------------------------------------------------------------------------------------------


@task(items=COLLECTION_INOUT(depth=1))
def bump_inside(items, n):
    bump_items(items, n)
    size = weight_of_items(items)
    bump_items(items, size)


@task(items=COLLECTION_INOUT)
def bump_deep_inside(items, n):
    bump_deep(items, n)
    found = bump_deep(items, n + 1)
    return [found]


@task(items=COLLECTION_OUT(depth=1))
def fill_inside(items, n):
    fill_items(items, n)


@task(mapping=DICTIONARY_INOUT(depth=1))
def bump_values_inside(mapping, n):
    bump_values(mapping, n)
    return weight(mapping)


@task
def build_items(n):
    items = [n, [n], Account(n), {"n": n}, make_list(n)]
    bump_items(items, n)
    bump_items(items[1:], 2)
    items.append(weight(items))
    return items


@task
def bump_and_wait(n):
    items = [n, [n], {"n": [n]}]
    bump_deep(items, 1)
    items = wait_on(items)
    items[1].append(weight(items))
    return wait_on(items)


# --- files -----------------------------------------------------------------------------------------------------------


@task(path=FILE_OUT)
def write_inside(path, n):
    write_text(path, n)
    add_line(path, n + 1)


@task(path=FILE_IN)
def weight_inside(path):
    return [weight_of_file(path), weight_of_file(path)]


@task(path=FILE_INOUT)
def relay_file(path, n):
    add_line(path, n)
    found = slow_double_file(path)
    wait_on_file(path)
    add_to(path, "by the way\n")
    add_line(path, found)
    with open_file(path) as file:
        size = len(file.read())
    return add(found, size)


@task(path=FILE_COMMUTATIVE)
def gather_line_inside(path, n):
    gather_line(path, n)
    gather_line(path, n + 1)


@task(x=FILE_IN, y=FILE_OUT)
def copy_by_way(x, y):
    """A file beside that of the caller, which goes when the task ends."""
    beside = Path(y).parent / "beside.txt"
    copy_file(x, beside)
    add_line(beside, 5)
    copy_file(beside, y)
    known = file_exists(beside)
    delete_file(beside)
    return [known, file_exists(beside)]


@task(path=FILE_OUT)
def log_inside(path, n):
    for i in range(3):
        log_line(path, n + i)


@task(path=FILE_INOUT)
def print_inside(path, n):
    print_more(path, n)
    print_more(path, [n])


@task(paths=COLLECTION_FILE_OUT(depth=1))
def write_texts_inside(paths, n):
    write_texts(paths, n)
    add_line(paths[0], n)


@task(folder=DIRECTORY_OUT)
def fill_folder_inside(folder, names, n):
    for position, name in enumerate(names):
        write_text(Path(folder, name), n + position)


@task(folder=DIRECTORY_INOUT)
def relay_folder(folder, name, n):
    add_to_folder(folder, name, n)
    before = weight_of_folder(folder)
    add_line(Path(folder, name), n)
    wait_on_directory(folder)
    wait_on_file(Path(folder, name))
    write(Path(folder, "copy.txt"), text_of(Path(folder, name)))
    return add(before, weight_of_folder(folder))
