"""The tasks that the random programs of law 1 call. They obey the law: they change only what they declare, return
nothing that aliases an argument, communicate only by arguments, results and files, and are deterministic.

`tests.dsflow.programs` loads these files a second time with a `dsflow` that runs each call at once, so that the same
source is also a program of plain functions.
"""
