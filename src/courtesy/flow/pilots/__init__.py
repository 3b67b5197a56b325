"""The life of a pilot: sized from history, frozen at its start, looked at every night, ended."""

from courtesy.flow.pilots.assigned import Assigned, assigned
from courtesy.flow.pilots.beside import plan_beside_fact
from courtesy.flow.pilots.life import assess_pilots, start_pilot, stop_pilot
from courtesy.flow.pilots.listing import Listed, listed, shown
from courtesy.flow.pilots.sizing import size_of

__all__ = [
    "Assigned",
    "Listed",
    "assess_pilots",
    "assigned",
    "listed",
    "plan_beside_fact",
    "shown",
    "size_of",
    "start_pilot",
    "stop_pilot",
]
