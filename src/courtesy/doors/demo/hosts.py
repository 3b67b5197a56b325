"""The mail hosts of the simulated people; two of them answer as difficult hosts do."""

from collections.abc import Mapping
from types import MappingProxyType

GONE = "gone.example"
BUSY = "busy.example"
HOSTS: Mapping[str, float] = MappingProxyType(
    {"post.example": 0.52, "letters.example": 0.425, BUSY: 0.04, GONE: 0.015}
)
"""Each host with its share of all mailboxes: at ``GONE`` there are none any more, and ``BUSY`` asks
to try again later."""
