"""One delivery: what is due in the outbox is rendered and handed to its channel."""

from dataclasses import dataclass

from courtesy.app import App


@dataclass(frozen=True)
class Delivered:
    """How many messages were handed over, and how many were not."""

    sent: int = 0
    other: int = 0


def deliver(app: App) -> Delivered:
    """Hand over everything that is due now."""
    raise NotImplementedError


def recover(app: App) -> int:
    """Mark the messages that a crash left in flight; returns how many."""
    raise NotImplementedError
