"""The exceptions of dsflow. Wrong arguments raise the usual TypeError and ValueError instead.

DsflowError
├── ArgumentError        an argument of a call cannot be taken as it is (also a ValueError)
├── SessionError         a session is missing, already there, or not the one a Future belongs to
├── EngineError          the engine could not do its work
│   └── TaskLostError    every worker that ran the task died
├── TaskCancelledError   the value will never come: its task was cancelled
├── TaskTimeoutError     the task took longer than its time_out (also a TimeoutError)
├── ConstraintError      no worker can ever satisfy a task's constraint (also a ValueError)
└── WallClockError       the session has reached the limit given to set_wall_clock
"""

from __future__ import annotations

__all__ = [
    "ArgumentError",
    "ConstraintError",
    "DsflowError",
    "EngineError",
    "SessionError",
    "TaskCancelledError",
    "TaskLostError",
    "TaskTimeoutError",
    "WallClockError",
]


class DsflowError(Exception):
    """Base of every error that dsflow itself raises."""


class SessionError(DsflowError):
    """A session is missing, already there, or not the one a Future belongs to."""


class ArgumentError(DsflowError, ValueError):
    """An argument of a call cannot be taken as it is: it contains itself, or shows a part of what a task changes."""


class EngineError(DsflowError):
    """The engine could not start, or could not do what was asked of it."""


class TaskLostError(EngineError):
    """Every worker that ran the task died, so its result cannot be had."""


class TaskCancelledError(DsflowError):
    """The task was cancelled before it gave a value."""


class TaskTimeoutError(DsflowError, TimeoutError):
    """The task took longer than its ``time_out``, and was stopped."""


class ConstraintError(DsflowError, ValueError):
    """No worker that there is, or that could be started, satisfies the constraint of a task."""


class WallClockError(DsflowError):
    """The session has reached the limit given to `set_wall_clock`; what had not ended was cancelled."""
