"""Functions that wait until a file tells them to go on: for tests whose tasks may run in other processes."""

import time


def wait_for_file(path, deadline_s=20):
    end = time.monotonic() + deadline_s
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.01)
