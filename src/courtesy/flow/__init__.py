"""The life of one batch of events, one tick, one delivery, one night, one replay.

Every transaction of the stages begins and ends here.
"""

from courtesy.flow.absorb import Absorbed, absorb
from courtesy.flow.deliver import Delivered, deliver, recover
from courtesy.flow.lift import lift_of
from courtesy.flow.night import night, refresh
from courtesy.flow.publish import publish
from courtesy.flow.replay import Replayed, period, replay
from courtesy.flow.tick import Ticked, tick

__all__ = [
    "Absorbed",
    "Delivered",
    "Replayed",
    "Ticked",
    "absorb",
    "deliver",
    "lift_of",
    "night",
    "period",
    "publish",
    "recover",
    "refresh",
    "replay",
    "tick",
]
