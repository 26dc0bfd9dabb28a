"""Tasks on lists and dicts whose elements are data of their own."""

import time

from dsflow import (
    COLLECTION_IN,
    COLLECTION_IN_DELETE,
    COLLECTION_INOUT,
    COLLECTION_OUT,
    DICTIONARY_IN,
    DICTIONARY_IN_DELETE,
    DICTIONARY_INOUT,
    DICTIONARY_OUT,
    INOUT,
    task,
)
from tests.dsflow.vocabulary.contents import bump_all, content_of, fill_all, weigh

# --- reading ---------------------------------------------------------------------------------------------------------


@task(items=COLLECTION_IN)
def weight_of_items(items):
    return weigh(items)


@task(items=COLLECTION_IN(depth=1))
def content_of_items(items):
    return [content_of(items)]


@task(items=COLLECTION_IN)
def weight_of_rows(*items):
    return weigh(items)


@task(mapping=DICTIONARY_IN)
def weight_of_values(mapping):
    return weigh(mapping)


@task(values=INOUT, items=COLLECTION_IN(depth=2), mapping=DICTIONARY_IN(depth=1))
def append_weights(values, items, mapping):
    values += [weigh(items), weigh(mapping)]


@task(items=COLLECTION_IN_DELETE)
def weight_of_items_at_last(items):
    return weigh(items)


@task(mapping=DICTIONARY_IN_DELETE(depth=1))
def weight_of_values_at_last(mapping):
    return weigh(mapping)


# --- changing --------------------------------------------------------------------------------------------------------


@task(items=COLLECTION_INOUT(depth=1))
def bump_items(items, n):
    bump_all(items, n, deep=False)


@task(items=COLLECTION_INOUT)
def bump_deep(items, n):
    time.sleep(0.001)
    bump_all(items, n, deep=True)
    return weigh(items)


@task(items=COLLECTION_INOUT(depth=1))
def bump_rows(n, *items):
    for row in items:
        bump_all(row, n, deep=False)


@task(x=COLLECTION_INOUT(depth=1), y=COLLECTION_INOUT(depth=1))
def bump_two(x, y, n):
    bump_all(x, n, deep=False)
    bump_all(y, n + 1, deep=False)


@task(x=COLLECTION_INOUT(depth=1), y=COLLECTION_IN(depth=1))
def bump_by_items(x, y):
    bump_all(x, weigh(y), deep=False)


@task(mapping=DICTIONARY_INOUT(depth=1))
def bump_values(mapping, n):
    bump_all(mapping, n, deep=False)


@task(mapping=DICTIONARY_INOUT)
def bump_values_deep(mapping, n):
    bump_all(mapping, n, deep=True)
    return len(mapping)


# --- filling ---------------------------------------------------------------------------------------------------------


@task(items=COLLECTION_OUT(depth=1))
def fill_items(items, n):
    fill_all(items, n, deep=False)


@task(items=COLLECTION_OUT)
def fill_deep(items, n):
    fill_all(items, n, deep=True)


@task(mapping=DICTIONARY_OUT(depth=1))
def fill_values(mapping, n):
    fill_all(mapping, n, deep=False)


@task(x=COLLECTION_OUT(depth=1), y=COLLECTION_IN(depth=1))
def fill_from(x, y):
    fill_all(x, weigh(y), deep=False)
