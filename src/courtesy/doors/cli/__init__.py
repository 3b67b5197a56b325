"""The command line: one file for each stage; results on stdout, logs on stderr."""

from courtesy.doors.cli.main import main

__all__ = ["main"]
