"""dsflow: call functions, get a graph; run it in this process, on a cluster or on functions."""

from dsflow._active import active_session
from dsflow._directions import IN, INOUT, Direction
from dsflow._errors import (
    ArgumentError,
    ConstraintError,
    DsflowError,
    EngineError,
    SessionError,
    TaskCancelledError,
    TaskLostError,
    TaskTimeoutError,
    WallClockError,
)
from dsflow._future import Future
from dsflow._session import Session
from dsflow._start import start, stop
from dsflow._task import Task, task
from dsflow._waiting import as_completed, barrier, share, wait_on

__all__ = [
    "IN",
    "INOUT",
    "ArgumentError",
    "ConstraintError",
    "Direction",
    "DsflowError",
    "EngineError",
    "Future",
    "Session",
    "SessionError",
    "Task",
    "TaskCancelledError",
    "TaskLostError",
    "TaskTimeoutError",
    "WallClockError",
    "active_session",
    "as_completed",
    "barrier",
    "share",
    "start",
    "stop",
    "task",
    "wait_on",
]
