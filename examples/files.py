"""Words of many files, counted by tasks that read and write files: no worker needs the same disk."""

import collections
import json
import tempfile
from pathlib import Path

import dsflow
from dsflow import COLLECTION_FILE_IN, FILE_COMMUTATIVE, FILE_IN, FILE_OUT, task


@task(text=FILE_IN, counts=FILE_OUT)
def count_words(text, counts):
    words = Path(text).read_text(encoding="utf-8").lower().split()
    Path(counts).write_text(json.dumps(collections.Counter(words)), encoding="utf-8")


@task(counts=COLLECTION_FILE_IN, report=FILE_OUT)
def merge(counts, report):
    total = collections.Counter()
    for path in counts:
        total.update(json.loads(Path(path).read_text(encoding="utf-8")))
    lines = (f"{word} {n}" for word, n in total.most_common(3))
    Path(report).write_text("\n".join(lines), encoding="utf-8")


@task(log=FILE_COMMUTATIVE)  # in whatever order the texts are counted
def note(log, counts_of, n_bytes):
    with Path(log).open("a", encoding="utf-8") as file:
        file.write(f"{counts_of}: {n_bytes} bytes\n")


@task(path=FILE_IN)
def size(path):
    return Path(path).stat().st_size


with tempfile.TemporaryDirectory() as folder:
    log, report = Path(folder, "log.txt"), Path(folder, "report.txt")
    log.touch()
    counts = []
    for i in range(8):
        text = Path(folder, f"text{i}.txt")
        text.write_text("to be or not to be " * (i + 1), encoding="utf-8")
        counts.append(Path(folder, f"counts{i}.json"))
        count_words(text, counts[i])
        note(log, text.name, size(counts[i]))
    merge(counts, report)
    dsflow.wait_on_file(report, log)
    print("the most frequent words:", *report.read_text(encoding="utf-8").splitlines(), sep="\n  ")
    print(len(log.read_text(encoding="utf-8").splitlines()), "files counted")
