"""Files and directories as arguments, on every engine. What the workers' disks have to do with it: nothing."""

import os
import sys
import threading
from pathlib import Path

import pytest

import dsflow
from dsflow import (
    COLLECTION_FILE_IN,
    COLLECTION_FILE_INOUT,
    COLLECTION_FILE_OUT,
    DIRECTORY_IN,
    DIRECTORY_INOUT,
    DIRECTORY_OUT,
    FILE_COMMUTATIVE,
    FILE_CONCURRENT,
    FILE_CONCURRENT_STDOUT,
    FILE_IN,
    FILE_INOUT,
    FILE_INOUT_STDOUT,
    FILE_OUT,
    FILE_STDERR,
    FILE_STDIN,
    FILE_STDOUT,
    ArgumentError,
    delete_file,
    file_exists,
    task,
    wait_on,
    wait_on_directory,
    wait_on_file,
)


@task(path=FILE_OUT)
def write(path, text):
    Path(path).write_text(text)


@task(path=FILE_INOUT)
def append(path, text):
    with Path(path).open("a") as file:
        file.write(text)


@task(path=FILE_IN)
def read(path):
    return None if path is None else Path(path).read_text()


@task(path=FILE_IN)
def describe(path):
    return type(path).__name__, Path(path).name, str(path)


@task(path=FILE_COMMUTATIVE)
def note(path, text):
    with Path(path).open("a") as file:
        file.write(f"{text}\n")


@task(path=FILE_CONCURRENT)
def share_line(path, text):
    with Path(path).open("a") as file:
        file.write(f"{text}\n")


@task
def fail():
    raise LookupError("on purpose")


@task(folder=DIRECTORY_OUT)
def fill(folder, names):
    for name in names:
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


@task(folder=DIRECTORY_INOUT)
def rename(folder, old, new):
    Path(folder, old).rename(Path(folder, new))


@task(folder=DIRECTORY_IN)
def names_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file())


def test_a_path_stands_for_the_newest_version_of_its_file(engine, tmp_path):
    path = tmp_path / "a.txt"
    write(path, "1")
    first = read(str(path))
    append(path, "2")
    second = read(path)
    write(path, "3")
    assert wait_on(first, second, read(path)) == ["1", "12", "3"]
    assert not path.exists()
    assert wait_on_file(path) == path
    assert path.read_text() == "3"


def test_a_file_is_taken_as_it_is_at_the_call(engine, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    results = [read(path)]
    path.write_text("new")
    results.append(read(path))
    path.unlink()
    assert wait_on(results) == ["old", "new"]


def test_a_task_has_a_file_of_its_own_with_the_same_name(engine, tmp_path):
    path = tmp_path / "a file.txt"
    path.write_text("x")
    kind, name, place = wait_on(describe(path))
    assert (kind, name) == (type(path).__name__, "a file.txt")
    assert place != str(path)
    assert not Path(place).exists()
    assert wait_on(describe(str(path)))[0] == "str"


def test_what_a_task_does_to_a_file_it_only_reads_is_not_seen(engine, tmp_path):
    @task(path=FILE_IN)
    def spoil(path):
        Path(path).write_text("spoiled")

    path = tmp_path / "a.txt"
    path.write_text("good")
    spoil(path)
    assert wait_on(read(path)) == "good"
    assert path.read_text() == "good"


def test_files_come_home_when_the_session_ends(no_session, tmp_path):
    with dsflow.start("threads", workers=2):
        write(tmp_path / "a.txt", "1")
        fill(tmp_path / "d", ["x/y"])
    assert (tmp_path / "a.txt").read_text() == "1"
    assert (tmp_path / "d/x/y").read_text() == "x/y"


def test_an_executable_stays_one(engine, tmp_path):
    @task(path=FILE_OUT)
    def write_script(path):
        Path(path).write_text("#!/bin/sh\n")
        Path(path).chmod(0o755)

    write_script(tmp_path / "run")
    wait_on_file(tmp_path / "run")
    assert os.access(tmp_path / "run", os.X_OK)


def test_a_file_may_be_missing_where_it_is_optional(engine):
    assert wait_on(read(None)) is None


def test_relative_paths_are_those_of_the_call(engine, tmp_path, monkeypatch):
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path)
    write("a.txt", "1")
    monkeypatch.chdir(tmp_path / "inner")
    append(tmp_path / "a.txt", "2")
    wait_on_file("../a.txt")
    assert (tmp_path / "a.txt").read_text() == "12"


def test_commutative_and_concurrent_files_have_all_lines(engine, tmp_path):
    for name, add_line in (("a", note), ("b", share_line)):
        path = tmp_path / name
        path.write_text("0\n")
        for i in range(1, 6):
            add_line(path, i)
        assert sorted(wait_on(read(path)).split()) == list("012345")
        add_line(path, 6)
        wait_on_file(path)
        assert sorted(path.read_text().split()) == list("0123456")


def test_concurrent_tasks_run_at_the_same_time(no_session, tmp_path):
    meeting = threading.Barrier(2, timeout=60)

    @task(path=FILE_CONCURRENT)
    def meet(path, text):
        meeting.wait()
        with Path(path).open("a") as file:
            file.write(text)

    with dsflow.start("threads", workers=2):
        meet(tmp_path / "new", "a")
        meet(tmp_path / "new", "b")
    assert sorted((tmp_path / "new").read_text()) == ["a", "b"]


def test_files_stand_for_the_standard_streams(engine, tmp_path, capsys):
    @task(out=FILE_STDOUT, err=FILE_STDERR, source=FILE_STDIN)
    def upper(source, out, err):
        for line in sys.stdin:
            print(line.upper().strip())
        print("done", file=sys.stderr)

    @task(log=FILE_INOUT_STDOUT)
    def log_it(log, text):
        print(text)

    @task(log=FILE_CONCURRENT_STDOUT)
    def log_at_once(log, text):
        print(text)

    source, out, err, log = (tmp_path / name for name in ("in", "out", "err", "log"))
    source.write_text("a\nb\n")
    log.touch()
    upper(source, out, err)
    log_it(log, "1")
    log_it(log, "2")
    log_at_once(log, "3")
    assert wait_on(read(out), read(err), read(log)) == ["A\nB\n", "done\n", "1\n2\n3\n"]
    assert capsys.readouterr().out == ""


def test_directories_are_data(engine, tmp_path):
    folder = tmp_path / "d"
    fill(folder, ["a", "sub/b"])
    before = names_in(folder)
    rename(folder, "a", "sub/c")
    assert wait_on(before, names_in(folder)) == [["a", "sub/b"], ["sub/b", "sub/c"]]
    assert file_exists(folder)
    assert not folder.exists()
    wait_on_directory(folder)
    assert (folder / "sub/c").read_text() == "a"
    (folder / "main").touch()
    assert wait_on(names_in(folder)) == ["main", "sub/b", "sub/c"]


def test_a_directory_and_a_file_in_it_are_kept_apart(engine, tmp_path):
    folder = tmp_path / "d"
    fill(folder, ["a"])
    append(folder / "a", "!")
    assert wait_on(read(folder / "a")) == "a!"
    write(folder / "b", "b")
    assert wait_on(names_in(folder)) == ["a", "b"]


def test_collections_of_files(engine, tmp_path):
    @task(paths=COLLECTION_FILE_OUT)
    def write_all(paths):
        for i, path in enumerate(paths):
            Path(path).write_text(str(i))

    @task(paths=COLLECTION_FILE_INOUT)
    def append_all(paths, text):
        for path in paths:
            with Path(path).open("a") as file:
                file.write(text)

    @task(paths=COLLECTION_FILE_IN)
    def join(paths):
        return "".join(Path(path).read_text() for row in paths for path in row)

    paths = [tmp_path / name for name in "abc"]
    write_all(paths)
    append_all(paths[1:], "!")
    assert wait_on(join([paths[:2], [str(paths[2])]])) == "01!2!"
    assert wait_on_file(paths) == paths
    assert paths[2].read_text() == "2!"


def test_a_task_passes_its_files_on_to_tasks(engine, tmp_path):
    @task(path=FILE_OUT)
    def write_nested(path):
        write(path, "inner ")
        append(path, "task")

    @task(path=FILE_INOUT)
    def read_nested(path):
        append(path, ".")
        return wait_on(read(path))

    path = tmp_path / "a"
    write_nested(path)
    result = read_nested(path)
    assert wait_on(result, read(path)) == ["inner task.", "inner task."]


def test_the_main_program_opens_files_of_tasks(engine, tmp_path):
    path = tmp_path / "a"
    write(path, "1")
    with dsflow.open(path, "a") as file:
        file.write("2")
    append(path, "3")
    with dsflow.open(path) as file:
        assert file.read() == "123"
    with dsflow.open(path, "w") as file:
        file.write("new")
    assert wait_on(read(path)) == "new"


def test_a_deleted_file_is_gone_and_tasks_called_before_have_it(engine, tmp_path):
    path, nested = tmp_path / "a", [tmp_path / "b", tmp_path / "c"]
    write(path, "1")
    result = read(path)
    delete_file(path, nested)
    assert not file_exists(path)
    assert file_exists(path, nested) == [False, [False, False]]
    assert wait_on(result) == "1"
    with pytest.raises(
        FileNotFoundError, match=r"read: there is no .*a', and no task that was called before writes it"
    ):
        read(path)


def test_a_failed_task_leaves_the_file_as_it_was(engine, tmp_path):
    @task(path=FILE_INOUT)
    def spoil(path):
        Path(path).write_text("spoiled")
        raise LookupError("on purpose")

    path = tmp_path / "a"
    write(path, "good")
    spoil(path)
    with pytest.raises(LookupError):
        wait_on_file(path)
    assert path.read_text() == "good"


def test_two_names_for_one_file_in_one_call_are_one_file(engine, tmp_path):
    @task(x=FILE_INOUT, y=FILE_INOUT, z=FILE_IN)
    def write_twice(x, y, z):
        for path in (x, y):
            with Path(path).open("a") as file:
                file.write(type(path).__name__[0])
        return Path(z).read_text()

    path = tmp_path / "a"
    path.touch()
    (tmp_path / "link").symlink_to(path)
    assert len(wait_on(write_twice(path, str(path), tmp_path / "link"))) == 2
    wait_on_file(path)
    assert path.read_text() == f"{type(path).__name__[0]}s"
    fill(tmp_path / "d", ["x"])

    @task(folder=DIRECTORY_INOUT, path=FILE_OUT)
    def overlap(folder, path): ...

    with pytest.raises(ArgumentError, match="is inside of"):
        overlap(tmp_path / "d", tmp_path / "d/y")


def test_a_file_that_was_not_written_is_an_error_that_names_it(engine, tmp_path):
    @task(path=FILE_OUT)
    def forget(path): ...

    forget(tmp_path / "a.txt")
    with pytest.raises(FileNotFoundError, match=r"has not written file 'a.txt', its parameter 'path'"):
        wait_on_file(tmp_path / "a.txt")


def test_what_is_no_file_is_refused_at_the_call(engine, tmp_path):
    with pytest.raises(IsADirectoryError, match="declare the parameter DIRECTORY_IN"):
        read(tmp_path)
    (tmp_path / "a").touch()
    with pytest.raises(NotADirectoryError, match="declare the parameter FILE_IN"):
        names_in(tmp_path / "a")
    with pytest.raises(TypeError, match="a int is not the path of a file"):
        read(3)
    with pytest.raises(TypeError, match="a Future is not the path of a file"):
        read(read(None))
    fill(tmp_path / "d", ["x"])
    with pytest.raises(ArgumentError, match="as a directory, but it is declared as a file"):
        read(tmp_path / "d")


def test_nothing_is_left_on_disk(no_session, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temp"))
    (tmp_path / "temp").mkdir()
    with dsflow.start("threads", workers=2):
        for i in range(3):
            write(tmp_path / "a", str(i))
            share_line(tmp_path / "b", i)
        wait_on(read(tmp_path / "a"))
    left = [path for path in (tmp_path / "temp").rglob("*") if path.is_file()]
    assert left == []
