"""Tasks on files and directories. Files that end with ``.log`` are written line by line in any order."""

import sys
import time
from pathlib import Path

from dsflow import (
    COLLECTION_FILE_IN,
    COLLECTION_FILE_INOUT,
    COLLECTION_FILE_OUT,
    DIRECTORY_IN,
    DIRECTORY_INOUT,
    DIRECTORY_OUT,
    FILE_COMMUTATIVE,
    FILE_COMMUTATIVE_STDOUT,
    FILE_CONCURRENT,
    FILE_CONCURRENT_STDOUT,
    FILE_IN,
    FILE_INOUT,
    FILE_INOUT_STDERR,
    FILE_INOUT_STDOUT,
    FILE_OUT,
    FILE_STDERR,
    FILE_STDIN,
    FILE_STDOUT,
    INOUT,
    task,
)
from tests.dsflow.vocabulary.contents import add_to, content_of_folder, text_of, weigh, write

# --- files -----------------------------------------------------------------------------------------------------------


@task(path=FILE_OUT)
def write_text(path, n):
    write(path, f"text {n}\n")


@task(path=FILE_OUT)
def slow_write_text(path, other):
    time.sleep(0.002)
    write(path, f"weight {weigh(other)}\n")
    return isinstance(path, str)


@task(path=FILE_IN)
def weight_of_file(path):
    return weigh(text_of(path)) + weigh(type(path).__name__)


@task(path=FILE_IN, values=INOUT)
def append_lines(values, path):
    values += text_of(path).splitlines()


@task(path=FILE_INOUT)
def add_line(path, n):
    add_to(path, f"line {n}\n")


@task(path=FILE_INOUT)
def slow_double_file(path):
    time.sleep(0.002)
    write(path, text_of(path)[-200:] * 2)
    return weigh(text_of(path))


@task(source=FILE_IN, target=FILE_OUT)
def copy_file(source, target):
    write(target, text_of(source))


@task(target=FILE_INOUT, sources=FILE_IN)
def join_files(target, *sources):
    texts = [text_of(source)[-200:] for source in sources]
    add_to(target, "".join(texts))


@task(x=FILE_INOUT, y=FILE_INOUT)
def exchange_files(x, y):
    texts = text_of(x), text_of(y)
    write(x, texts[1])
    write(y, texts[0])


@task(path=FILE_COMMUTATIVE)
def gather_line(path, n):
    time.sleep(0.001 * (n % 3))
    lines = [*text_of(path).splitlines(keepends=True), f"gathered {n}\n"]
    write(path, "".join(sorted(lines)))


@task(path=FILE_CONCURRENT)
def log_line(path, n):
    time.sleep(0.001 * (n % 3))
    add_to(path, f"logged {n}\n")


@task(x=FILE_CONCURRENT, y=FILE_OUT)
def log_and_write(x, y, n):
    add_to(x, f"logged {n}\n")
    write(y, f"text {n}\n")


@task(x=FILE_IN, y=FILE_INOUT)
def maybe_files(x=None, y=None):
    """Both files may be missing."""
    if y is not None:
        add_to(y, "no file\n" if x is None else text_of(x)[-100:])
    return weigh(None if x is None else text_of(x))


# --- standard streams ------------------------------------------------------------------------------------------------


@task(path=FILE_STDOUT)
def print_to(path, n):
    for i in range(n % 4):
        print("printed", i, n)
        time.sleep(0.001)


@task(path=FILE_INOUT_STDOUT)
def print_more(path, other):
    print("printed", weigh(other))
    return weigh(other)


@task(path=FILE_STDERR)
def warn_to(path, n):
    sys.stderr.write(f"warning {n}\n")


@task(path=FILE_INOUT_STDERR)
def warn_more(path, n):
    print("warning", n, file=sys.stderr)


@task(path=FILE_COMMUTATIVE_STDOUT)
def print_in_any_order(path, n):
    print("printed", n)


@task(path=FILE_CONCURRENT_STDOUT)
def print_together(path, n):
    print("printed", n)


@task(source=FILE_STDIN, target=FILE_STDOUT)
def number_lines(source, target):
    for number, line in enumerate(sys.stdin):
        time.sleep(0.001)
        print(number, line.rstrip())


@task(path=FILE_STDIN)
def weight_of_input(path):
    return weigh([sys.stdin.readline(), sys.stdin.read()])


# --- lists of files --------------------------------------------------------------------------------------------------


@task(paths=COLLECTION_FILE_OUT)
def write_texts(paths, n):
    for position, path in enumerate(_flat(paths)):
        write(path, f"text {position} of {n}\n")


@task(paths=COLLECTION_FILE_IN)
def weight_of_files(paths):
    return weigh([text_of(path) for path in _flat(paths)])


@task(paths=COLLECTION_FILE_INOUT)
def add_lines(paths, n):
    for position, path in enumerate(_flat(paths)):
        add_to(path, f"line {position} of {n}\n")


@task(sources=COLLECTION_FILE_IN, targets=COLLECTION_FILE_OUT)
def join_into_each(sources, targets):
    text = "".join(text_of(path)[-200:] for path in _flat(sources))
    for path in _flat(targets):
        write(path, text)


def _flat(paths):
    return [each for path in paths for each in (_flat(path) if isinstance(path, list) else [path])]


# --- directories -----------------------------------------------------------------------------------------------------


@task(folder=DIRECTORY_OUT)
def fill_folder(folder, names, n):
    for position, name in enumerate(names):
        write(Path(folder, name), f"text {position} of {n}\n")
    Path(folder, "inner").mkdir()


@task(folder=DIRECTORY_INOUT)
def add_to_folder(folder, name, n):
    write(Path(folder, name), f"more {n}\n")


@task(folder=DIRECTORY_INOUT)
def add_to_all_in_folder(folder, other):
    time.sleep(0.002)
    for path in sorted(Path(folder).rglob("*.txt")):
        add_to(path, f"weight {weigh(other)}\n")


@task(folder=DIRECTORY_IN)
def weight_of_folder(folder):
    return weigh([(each[0], each[2]) for each in content_of_folder(folder)])


@task(source=DIRECTORY_IN, target=FILE_OUT)
def list_folder(source, target):
    write(target, "".join(f"{each[0]}\n" for each in content_of_folder(source)))


@task(path=FILE_IN, folder=DIRECTORY_INOUT)
def copy_into_folder(path, folder, name):
    text = text_of(path)[-200:]
    write(Path(folder, name), text)
