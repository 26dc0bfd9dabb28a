"""Files as values: what was stored comes back whole wherever it is needed, and goes with the last who needs it."""

import copy
import gc
import mmap
import os
import pickle
import random
import shutil
import subprocess
import sys
import textwrap
import threading
import tracemalloc
from pathlib import Path
from unittest.mock import Mock

import pytest

from dsflow import _blobs
from dsflow._blobs import StoredDirectory, StoredFile, clear_store, from_frames, set_store_parent, to_frames
from dsflow._errors import ArgumentError

ODD_NAMES = [
    "two words",
    "line\nbreak",
    "-x",
    "!",
    "ünïcode",
    "*?[a]",
    "'\"",
    os.fsdecode(b"not \xff utf-8"),
    "n" * 255,
]
PAGE = mmap.ALLOCATIONGRANULARITY
NOISE = random.Random(1).randbytes(5 * PAGE + 7)


@pytest.fixture(autouse=True)
def stored_files(tmp_path_factory):
    """Gives the files of a store that is empty at first, and has to be empty at last."""
    outer = dict(vars(_blobs._store))
    parent = tmp_path_factory.mktemp("store")
    _blobs._store.forget()
    set_store_parent(parent)
    yield lambda: list(parent.glob("dsflow-files-*/*"))
    gc.collect()
    gone = clear_store() and not list(parent.iterdir())
    vars(_blobs._store).update(outer)
    assert gone


def file_of(path, content=b"content", mode=0o644):
    path.write_bytes(content)
    path.chmod(mode)
    return path


def content_of(stored):
    with stored.open() as file:
        return file.read()


def mode_of(path):
    return path.stat().st_mode & 0o777


def listing(root):
    """All there is in a directory: paths with mode and content, or target."""
    found = {"": mode_of(root)}
    for path in root.rglob("*"):
        is_file = path.is_file() and not path.is_symlink()
        found[str(path.relative_to(root))] = (
            path.readlink() if path.is_symlink() else (mode_of(path), path.read_bytes() if is_file else None)
        )
    return found


def out_of_band(value):
    buffers = []
    return pickle.dumps(value, 5, buffer_callback=buffers.append), buffers


def run_python(script, here):
    """Run a script in another process, whose store is in ``here / "store"``; give the words that it prints."""
    (here / "store").mkdir()
    begin = """
        import atexit, gc, os, pathlib, pickle, sys
        from dsflow import _blobs
        from dsflow._blobs import StoredFile, clear_store, set_store_parent
        here = pathlib.Path(sys.argv[1])
        set_store_parent(here / "store")
        def files(): return sorted((here / "store").glob("*/*"))
    """
    command = [sys.executable, "-c", textwrap.dedent(begin) + textwrap.dedent(script), str(here)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[2])
    assert (done.returncode, done.stderr) == (0, "")
    assert list((here / "store").iterdir()) == []
    return done.stdout.split()


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"abc", NOISE])
@pytest.mark.parametrize(("mode", "written"), [(0o755, 0o755), (0o600, 0o600), (0o444, 0o644)])
def test_a_file_comes_back_as_it_was_and_is_the_callers_own(tmp_path, content, mode, written):
    path = file_of(tmp_path / "a", content, mode)
    stored = StoredFile.of(path)
    path.write_bytes(b"changed since")
    for target in (tmp_path / "b", file_of(tmp_path / "c", b"read-only", 0o400)):
        stored.write_to(target)
        assert target.read_bytes() == content_of(stored) == content
        assert mode_of(target) == written
        target.write_bytes(b"mine")
    assert (stored.nbytes, stored.mode) == (len(content), mode)


def test_equal_content_is_stored_once_and_cannot_be_changed(tmp_path, stored_files):
    one, two = (StoredFile.of(file_of(tmp_path / name, b"abc")) for name in "ab")
    program = StoredFile.of(file_of(tmp_path / "c", b"abc", mode=0o755))
    assert one.digest == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert one == two != program != StoredFile.of(file_of(tmp_path / "d", mode=0o755))
    assert len({one, two, program}) == 2
    assert copy.copy(one) is copy.deepcopy(one) is one
    [path] = stored_files()
    assert (mode_of(path), mode_of(path.parent)) == (0o400, 0o700)
    with pytest.raises(AttributeError):
        one.mode = 0


def test_what_is_not_there_or_of_another_kind_is_refused_with_advice(tmp_path):
    path, pipe = file_of(tmp_path / "a"), tmp_path / "pipe"
    file, directory = StoredFile.of(path), StoredDirectory.of(tmp_path)
    os.mkfifo(pipe)
    for refused, error, words in [
        (lambda: StoredFile.of(tmp_path / "no"), FileNotFoundError, r"StoredFile.of: there is no file .*no'; make it"),
        (lambda: StoredFile.taken(tmp_path), IsADirectoryError, "StoredFile.taken: .* is a directory; give a file"),
        (lambda: StoredFile.of(pipe), ArgumentError, "pipe' is a pipe, .*; write its content to a file"),
        (lambda: StoredDirectory.of(tmp_path / "no"), FileNotFoundError, r"of: there is no directory .*no'; make it"),
        (lambda: StoredDirectory.taken(path), NotADirectoryError, "taken: .* is not a directory; give a directory"),
        (lambda: StoredDirectory.of(tmp_path), ArgumentError, "pipe' is a pipe"),
        (lambda: file.write_to(tmp_path / "no/b"), FileNotFoundError, "write_to: there is no directory .*no'; make it"),
        (lambda: file.write_to(tmp_path), IsADirectoryError, "directory"),
        (lambda: directory.write_to(path), NotADirectoryError, "StoredDirectory.write_to: .*a' is not a directory"),
        (lambda: from_frames({"file": ("", 7, 0)}, [b"abc"]), pickle.UnpicklingError, "3 bytes of 7 have arrived"),
    ]:
        with pytest.raises(error, match=words):
            refused()
    assert sorted(tmp_path.iterdir()) == [path, pipe]


def test_a_file_that_is_taken_is_moved_not_copied(tmp_path, stored_files):
    path = file_of(tmp_path / "a", mode=0o755)
    inode = path.stat().st_ino
    stored = StoredFile.taken(path)
    assert not path.exists()
    assert [(file.stat().st_ino, mode_of(file)) for file in stored_files()] == [(inode, 0o400)]
    assert stored == StoredFile.of(file_of(path, mode=0o755))


@pytest.mark.parametrize("make", [os.link, os.symlink, shutil.copy2])
def test_what_cannot_be_moved_is_copied_when_it_is_taken(tmp_path, monkeypatch, make):
    other = file_of(tmp_path / "a", mode=0o755)
    make(other, tmp_path / "b")
    if make is shutil.copy2:
        monkeypatch.setattr(Path, "replace", Mock(side_effect=OSError(18, "Invalid cross-device link")))
    stored = StoredFile.taken(tmp_path / "b")
    other.write_bytes(b"changed")
    assert (content_of(stored), stored.mode, mode_of(other)) == (b"content", 0o755, 0o755)
    assert list(tmp_path.iterdir()) == [other]


def test_a_file_is_replaced_in_one_step(tmp_path):
    stored, target = StoredFile.of(file_of(tmp_path / "a", NOISE)), file_of(tmp_path / "b", b"old")
    seen, stop = set(), threading.Event()

    def look():
        while not stop.is_set():
            seen.add(target.read_bytes())

    reader = threading.Thread(target=look)
    reader.start()
    for _ in range(50):
        stored.write_to(target)
    stop.set()
    reader.join()
    assert seen <= {b"old", NOISE}


# --- travelling ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"x", NOISE])
@pytest.mark.parametrize("way", [2, 4, 5, "beside", "frames"])
def test_a_file_travels_with_content_and_permissions(tmp_path, monkeypatch, stored_files, content, way):
    monkeypatch.setattr(_blobs, "PART_BYTES", 2 * PAGE)
    monkeypatch.setattr(_blobs, "MAPPED_BYTES", 3 * PAGE)
    stored = StoredFile.of(file_of(tmp_path / "a", content, mode=0o755))
    small, parts = to_frames(stored) if way == "frames" else out_of_band(stored)
    if type(way) is int:
        small, parts = pickle.dumps(stored, way), []
    else:
        assert [memoryview(part).nbytes for part in parts] == [
            len(content[at : at + 2 * PAGE]) for at in range(0, len(content), 2 * PAGE)
        ]

    def arrive():
        return from_frames(small, parts) if way == "frames" else pickle.loads(small, buffers=parts)

    assert arrive() == stored == from_frames(to_frames(stored)[0], [None])  # what is there already is not looked at
    assert len(stored_files()) == 1
    del stored
    assert stored_files() == []
    again = arrive()
    assert (content_of(again), again.nbytes, again.mode) == (content, len(content), 0o755)
    assert list(map(mode_of, stored_files())) == [0o400]


def test_another_process_gets_the_content_and_leaves_nothing(tmp_path):
    stored = StoredFile.of(file_of(tmp_path / "a", NOISE, mode=0o755))
    pickled, buffers = out_of_band((stored, StoredDirectory.of(tmp_path)))
    file_of(tmp_path / "pickled", pickle.dumps((pickled, list(map(bytes, buffers)))))
    script = """
        pickled, buffers = pickle.loads((here / "pickled").read_bytes())
        file, directory = pickle.loads(pickled, buffers=buffers)
        file.write_to(here / "b")
        directory.write_to(here / "c")
        atexit.register(lambda: print(len(file.open().read())))  # what is called at the end may still use it
        print(file.digest, len(files()))
    """
    assert run_python(script, tmp_path) == [stored.digest, "1", str(len(NOISE))]
    assert StoredFile.of(tmp_path / "b") == StoredFile.of(tmp_path / "c/a") == stored


def test_no_descriptor_is_left_open(tmp_path, monkeypatch):
    monkeypatch.setattr(_blobs, "PART_BYTES", PAGE)
    monkeypatch.setattr(_blobs, "MAPPED_BYTES", PAGE)
    path, descriptors = file_of(tmp_path / "a", NOISE), Path("/proc/self/fd")
    before = len(list(descriptors.iterdir()))
    for _ in range(10):
        stored = StoredFile.of(path)
        pickled, buffers = out_of_band(stored)
        header, frames = to_frames(stored)
        del stored
        stored = [pickle.loads(pickled, buffers=buffers), from_frames(header, frames)]
        stored[0].write_to(tmp_path / "b")
        StoredFile.taken(tmp_path / "b")
        del buffers, frames
    assert len(list(descriptors.iterdir())) <= before  # what others had open may be closed by now


def test_a_large_file_takes_no_memory(tmp_path):
    path = file_of(tmp_path / "a", b"")
    os.truncate(path, 150_000_000)
    tracemalloc.start()
    try:
        stored = StoredFile.of(path)
        _, buffers = out_of_band(stored)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (stored.nbytes, len(buffers)) == (150_000_000, 3)
    assert peak < 2_000_000


# --- directories -----------------------------------------------------------------------------------------------------


@pytest.fixture
def full(tmp_path):
    """A directory with everything in it that a directory can have."""
    root = tmp_path / "full"
    (root / "deep/er").mkdir(parents=True)
    for path in [root / "program", *((root / "deep/er" / name) for name in ODD_NAMES)]:
        file_of(path, path.name[:9].encode(errors="surrogateescape"), mode=0o750)
    for path in [root / "twice", root / "deep/twice"]:
        file_of(path, b"2" * 1000)
    (root / "deep!").mkdir(mode=0o700)
    for name, target in [("dangling", "nowhere"), ("outside", "/"), ("deep/up", "..")]:
        (root / name).symlink_to(target)
    root.chmod(0o750)
    return root


@pytest.mark.parametrize("kind", [StoredDirectory.of, StoredDirectory.taken])
def test_a_directory_comes_back_as_it_was(tmp_path, full, stored_files, kind):
    before, inode = listing(full), (full / "program").stat().st_ino
    (full / "deep!").chmod(0o500)  # the owner may always write to what is made of it
    stored = kind(full)
    assert full.exists() == (kind == StoredDirectory.of)
    assert (inode in [path.stat().st_ino for path in stored_files()]) == (kind == StoredDirectory.taken)
    assert stored.nbytes == 2000 + sum(len(os.fsencode(name[:9])) for name in ["program", *ODD_NAMES])
    pickled, buffers = out_of_band(stored)
    assert [buffer.raw().nbytes for buffer in buffers].count(1000) == 1  # equal content travels once
    stored.write_to(tmp_path / "copy")
    del stored
    assert stored_files() == []
    pickle.loads(pickled, buffers=buffers).write_to(tmp_path / "again")
    assert listing(tmp_path / "again") == listing(tmp_path / "copy") == before


def test_writing_a_directory_leaves_exactly_what_was_stored(tmp_path, full):
    target = tmp_path / "target"
    (target / "program").mkdir(parents=True)
    file_of(target / "program/left", mode=0o400)
    file_of(target / "deep")
    target.chmod(0o500)
    inode = target.stat().st_ino
    StoredDirectory.of(full).write_to(target)
    assert listing(target) == listing(full)
    assert target.stat().st_ino == inode  # who is in it stays in it


# --- the life of a stored file ---------------------------------------------------------------------------------------


def test_content_goes_with_the_last_who_needs_it(tmp_path, stored_files):
    one, two = (StoredFile.of(file_of(tmp_path / name)) for name in "ab")
    del one
    assert content_of(two) == b"content"
    loop = [two]
    loop.append(loop)
    del two, loop
    gc.collect()
    assert stored_files() == []


def test_a_snapshot_that_fails_leaves_nothing_though_its_error_is_kept(tmp_path, stored_files, monkeypatch):
    file_of(tmp_path / "a")
    monkeypatch.setattr(_blobs, "_hash", Mock(side_effect=OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        StoredFile.of(tmp_path / "a")
    assert stored_files() == []


def test_many_threads_may_store_and_drop_the_same_content(tmp_path, stored_files):
    paths = [file_of(tmp_path / name, name.encode() * 1000) for name in "ab"]
    pickles = {path: pickle.dumps(StoredFile.of(path)) for path in paths}
    errors = []

    def work(seed):
        chance = random.Random(seed)
        try:
            for _ in range(60):
                path = chance.choice(paths)
                stored = pickle.loads(pickles[path]) if chance.random() < 0.7 else StoredFile.of(path)
                assert content_of(stored) == path.name.encode() * 1000
                del stored
        except BaseException as error:
            errors.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(interval)
    assert errors == []
    assert stored_files() == []


def test_the_store_is_removed_and_moves_only_when_nothing_in_it_is_alive(tmp_path, stored_files):
    (tmp_path / "other").mkdir()
    stored = StoredFile.of(file_of(tmp_path / "a"))
    assert not clear_store()
    set_store_parent(tmp_path / "other")
    more = StoredFile.of(file_of(tmp_path / "b", b"more"))
    assert (content_of(stored), len(stored_files())) == (b"content", 2)
    del stored, more
    assert clear_store()
    stored = StoredFile.of(tmp_path / "a")
    assert (content_of(stored), len(list(tmp_path.glob("other/dsflow-files-*/*")))) == (b"content", 1)


def test_a_forked_process_leaves_its_parents_store_alone(tmp_path):
    file_of(tmp_path / "a")
    script = """
        stored = StoredFile.of(here / "a")
        before = files()
        with _blobs._store._lock:  # as another thread might have it
            child = os.fork()
        if child == 0:
            own = StoredFile.of(here / "a")
            assert own == stored
            assert len(files()) == 2
            stored.write_to(here / "b")
            del stored
            gc.collect()
            assert pickle.loads(pickle.dumps(own)) == own
            sys.exit()  # which removes its own store
        assert os.waitpid(child, 0)[1] == 0
        assert files() == before
        del stored
        assert clear_store()
        print((here / "b").read_text())
    """
    assert run_python(script, tmp_path) == ["content"]
