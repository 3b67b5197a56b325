"""One measurement: a name → its exposures, metrics and shares → what was changed."""

from courtesy.flow.lift.look import lift_in_full, lift_of

__all__ = ["lift_in_full", "lift_of"]
