"""A chain of changes to one object goes on while its workers are killed."""

import time

import dsflow
from dsflow import INOUT, task, wait_on
from dsflow.testing import kill_a_worker


@task(history=INOUT)
def step(history, i):
    time.sleep(0.01)
    history.append(i)


with dsflow.start("dask", workers=2):
    history = []
    for i in range(200):
        step(history, i)
        if i % 80 == 40:
            print("killed process", kill_a_worker())
    print("links in order:", wait_on(history) == list(range(200)))
