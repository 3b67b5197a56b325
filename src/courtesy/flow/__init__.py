"""The life of one batch of events, one tick, one delivery, one night, one replay.

Every transaction of the stages begins and ends here.
"""

from courtesy.flow.absorb import Absorbed, absorb
from courtesy.flow.deliver import Delivered, deliver, recover, settle
from courtesy.flow.hold import Hold, holds, may_deliver
from courtesy.flow.lift import lift_in_full, lift_of
from courtesy.flow.night import night, refresh
from courtesy.flow.pilots import (
    Assigned,
    Listed,
    assess_pilots,
    assigned,
    listed,
    plan_beside_fact,
    shown,
    size_of,
    start_pilot,
    stop_pilot,
)
from courtesy.flow.publish import publish
from courtesy.flow.repair import Repaired, repair
from courtesy.flow.replay import Replayed, period, replay
from courtesy.flow.tick import Ticked, tick

__all__ = [
    "Absorbed",
    "Assigned",
    "Delivered",
    "Hold",
    "Listed",
    "Repaired",
    "Replayed",
    "Ticked",
    "absorb",
    "assess_pilots",
    "assigned",
    "deliver",
    "holds",
    "lift_in_full",
    "lift_of",
    "listed",
    "may_deliver",
    "night",
    "period",
    "plan_beside_fact",
    "publish",
    "recover",
    "refresh",
    "repair",
    "replay",
    "settle",
    "shown",
    "size_of",
    "start_pilot",
    "stop_pilot",
    "tick",
]
