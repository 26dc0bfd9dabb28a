"""Random programs for law 1, as Python source: the same text runs with tasks and with plain functions.

See the program of a seed with ``python -m tests.dsflow.programs SEED``.
"""

from tests.dsflow.programs.running import assert_same, difference, run_plain, run_with_tasks
from tests.dsflow.programs.writing import write_program

__all__ = ["assert_same", "difference", "run_plain", "run_with_tasks", "write_program"]
