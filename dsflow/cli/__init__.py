"""The command line: ``dsflow``, whose verbs come from the entry points of the group ``dsflow.commands``."""

from dsflow.cli.main import main

__all__ = ["main"]
