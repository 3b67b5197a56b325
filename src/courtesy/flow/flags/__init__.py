"""Experiments outside: the arm of one person, asked for or reported by an app."""

from courtesy.flow.flags.decide import Flag, Who, flag, flags
from courtesy.flow.flags.viewed import expose_viewers, known_of_viewers

__all__ = ["Flag", "Who", "expose_viewers", "flag", "flags", "known_of_viewers"]
