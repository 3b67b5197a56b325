"""A channel whose provider fails is held: what waits is not touched until the next try."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from courtesy.app import App
from courtesy.stages.messages import Delivery
from courtesy.stages.messages.outbox import store as outbox

_FIRST_PAUSE = timedelta(seconds=1)
_LONGEST_PAUSE = timedelta(minutes=5)
_MOST_DOUBLINGS = 10
_log = structlog.get_logger("courtesy.delivery")


@dataclass(frozen=True)
class Hold:
    """A channel whose provider fails: since when, why, when it is tried again, how many wait."""

    channel: str
    since: datetime
    why: str
    next_try: datetime
    waiting: int

    def __str__(self) -> str:
        return (
            f"{self.channel} is held since {self.since:%Y-%m-%d %H:%M:%S}Z: {self.why} "
            f"{self.waiting:,} messages wait; the next try is at {self.next_try:%H:%M:%S}Z."
        )


def keep_holds(app: App, deliveries: Mapping[str, Delivery]) -> str | None:
    """Note which channels' providers failed or can be used again; returns why, if one failed."""
    failures = {name: one.provider_failure for name, one in deliveries.items()}
    now = app.clock.now()
    with app.ledger.read() as transaction:
        held = {one["channel"] for one in outbox.holds(transaction)}
    if not any(failures.values()) and not held & failures.keys():
        return None
    with app.ledger.write() as transaction:
        for channel, failure in failures.items():
            if failure:
                outbox.hold(transaction, channel, now, failure)
            else:
                outbox.end_hold(transaction, channel)
    for hold in holds(app):
        _log.warning("channel held", channel=hold.channel, why=hold.why, waiting=hold.waiting)
    for channel in sorted(held - {name for name, why in failures.items() if why}):
        _log.info("channel open again", channel=channel)
    return next((why for why in failures.values() if why), None)


def holds(app: App) -> list[Hold]:
    """The channels that are held."""
    with app.ledger.read() as transaction:
        rows = outbox.holds(transaction)
        if not rows:
            return []
        waiting = {
            row["channel"]: row["messages"] for row in outbox.waiting(transaction, app.clock.now())
        }
    return [
        Hold(
            row["channel"],
            row["held_since"],
            row["detail"],
            row["failed_at"] + _pause(row["failures"]),
            waiting.get(row["channel"], 0),
        )
        for row in rows
    ]


def may_deliver(app: App) -> bool:
    """Whether it is time to try: no channel is held, or the pause of one is over."""
    held = holds(app)
    return not held or any(hold.next_try <= app.clock.now() for hold in held)


def _pause(failures: int) -> timedelta:
    doubled: int = 2 ** min(failures - 1, _MOST_DOUBLINGS)
    return min(_FIRST_PAUSE * doubled, _LONGEST_PAUSE)
