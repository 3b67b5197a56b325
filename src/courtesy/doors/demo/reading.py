"""How the simulated people read their mail: when, whether they follow it, when they have enough."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from quopri import decodestring

import numpy as np
import numpy.typing as npt

from courtesy.doors.demo.people import People
from courtesy.doors.demo.postbox import Letter
from courtesy.doors.demo.zones import Clocks
from courtesy.ground.primitives.errors import NotFoundError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_WAKES, _HALF_LIFE = 7, 240.0
_TIRED_OF_READING, _TIRED_OF_US = 0.22, 0.45
_CLICKS, _LEAVES = 0.3, 0.006
_TYPICAL_DELAY, _DELAY_SPREAD = 3.0, 1.0
_HEADERS, _BLANK = BytesHeaderParser(), b"\r\n\r\n"
_PIXEL = re.compile(r'<img[^>]+src="([^"]+/o/[^"]+)"')
_LINK = re.compile(r'<a[^>]+href="([^"]+/c/[^"]+)"')
_UNSUBSCRIBE = re.compile(r"<(https?://[^>]+)>")


@dataclass(frozen=True)
class Reading:
    """Somebody opens a letter of a kind; ``clicks`` and ``leaves`` say what they do then."""

    person: int
    kind: int
    letter: Letter
    clicks: bool
    leaves: bool


@dataclass(frozen=True)
class Addresses:
    """What a mail program finds in a letter; None where it is not there."""

    pixel: str | None
    link: str | None
    unsubscribe: str | None


class Readers:
    """Everybody's patience, and the letters that wait to be opened."""

    def __init__(self, people: People, clocks: Clocks, chance: np.random.Generator) -> None:
        self._people, self._clocks, self._chance = people, clocks, chance
        self._tired = np.zeros(len(people))
        self._since = np.zeros(len(people))
        self._index = {address: index for index, address in enumerate(people.email) if address}
        self._later: defaultdict[int, list[Reading]] = defaultdict(list)

    def receive(self, letters: Sequence[Letter], hour: int, subjects: Sequence[str]) -> None:
        """Take letters in: each makes the next less welcome.

        Args:
            letters: what arrived within this hour.
            hour: counted from the start of the simulation.
            subjects: how the subjects of each kind of letter begin.

        Raises:
            NotFoundError: a subject begins in no such way.
        """
        known = [letter for letter in letters if letter.to in self._index]
        if not known:
            return
        who = np.array([self._index[letter.to] for letter in known])
        tired = self._tiredness(who, hour)
        self._tired[who], self._since[who] = tired + 1, hour
        opens = self._chance.random(len(who)) < self._people.reads[who] * np.exp(
            -_TIRED_OF_READING * tired
        )
        leaves = self._chance.random(len(who)) < _LEAVES * np.exp(_TIRED_OF_US * tired)
        clicks = (self._chance.random(len(who)) < _CLICKS) & ~leaves
        hours = self._opening_hours(who, hour)
        for row in np.flatnonzero(opens):
            kind = _kind(known[row], subjects)
            reading = Reading(int(who[row]), kind, known[row], bool(clicks[row]), bool(leaves[row]))
            self._later[int(hours[row])].append(reading)

    def at(self, hour: int) -> list[Reading]:
        """The letters that are opened within this hour."""
        return self._later.pop(hour, [])

    def _tiredness(self, who: Ints, hour: int) -> Floats:
        """How many letters still weigh on somebody; half of each is forgotten in ten days."""
        return np.asarray(self._tired[who] * 0.5 ** ((hour - self._since[who]) / _HALF_LIFE))

    def _opening_hours(self, who: Ints, hour: int) -> Ints:
        """When each letter is looked at: hours later, and not while people sleep."""
        delay = self._chance.lognormal(np.log(_TYPICAL_DELAY), _DELAY_SPREAD, len(who))
        at = hour + np.ceil(delay).astype(np.int64)
        local = self._clocks.hour(self._people.zone[who], at)
        return np.asarray(at + np.where(local < _WAKES, _WAKES - local, 0))


def addresses(letter: Letter) -> Addresses:
    """The addresses in a letter: its picture, its first link, its way out (RFC 8058)."""
    head, _, body = letter.content.partition(_BLANK)
    page = decodestring(body).decode("utf-8", "replace")
    way_out = _UNSUBSCRIBE.search(str(_HEADERS.parsebytes(head).get("List-Unsubscribe", "")))
    return Addresses(_first(_PIXEL, page), _first(_LINK, page), way_out[1] if way_out else None)


def _kind(letter: Letter, subjects: Sequence[str]) -> int:
    head, _, _ = letter.content.partition(_BLANK)
    subject = str(_HEADERS.parsebytes(head).get("Subject", ""))
    found = [number for number, start in enumerate(subjects) if subject.startswith(start)]
    if not found:
        raise NotFoundError(f"No mail of the demo begins a subject like this: {subject!r:.80}.")
    return found[0]


def _first(pattern: re.Pattern[str], page: str) -> str | None:
    found = pattern.search(page)
    return found[1].replace("&amp;", "&") if found else None
