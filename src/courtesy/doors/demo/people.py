"""The simulated people: who they are, what they like and what they allow, drawn once."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from courtesy.doors.demo.hosts import HOSTS
from courtesy.doors.demo.zones import ZONES

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]

TOPICS = ("tips", "offers")
PERSONAS = ("weekday commuter", "weekend brewer", "office host")
LONG_AGO = -(10**6)

_PERSONA_SHARES = (0.5, 0.32, 0.18)
_CONSENT = {(True, True): 0.60, (True, False): 0.13, (False, True): 0.06, (False, False): 0.21}
_NEW_SHARE = 0.3
_WITHOUT_EMAIL = 0.03
_DRIFTED = 0.3
# fmt: off
_FIRST_NAMES = (
    "Ada", "Aiko", "Alma", "Amara", "Ana", "Anders", "Anika", "Arjun", "Beatriz", "Ben", "Bruno",
    "Camila", "Carlos", "Chen", "Chloe", "Clara", "Daniel", "Devi", "Diego", "Elena", "Elif",
    "Emeka", "Emma", "Eva", "Farah", "Felix", "Fiona", "Grace", "Hana", "Hugo", "Ines", "Ivan",
    "Jamal", "Jana", "Jonas", "Juan", "Kai", "Kavya", "Kenji", "Lara", "Leila", "Leo", "Lina",
    "Lucas", "Luis", "Maja", "Malik", "Maria", "Mateo", "Mei", "Mina", "Nadia", "Nia", "Noah",
    "Nora", "Olga", "Omar", "Otto", "Paula", "Pedro", "Priya", "Rafael", "Ravi", "Rosa", "Sam",
    "Sara", "Sofia", "Tariq", "Tess", "Tomas", "Valeria", "Viktor", "Wei", "Yara", "Yuki", "Zoe",
)
# fmt: on


@dataclass(frozen=True)
class People:
    """n people as columns.

    ``joins``: the hour at which somebody signs up; ``LONG_AGO`` for customers from before.
    ``appetite``: visits a day. ``buys``: the share of visits that end in an order. ``reads``: the
    chance to open a first mail. ``allows``: n by topics. ``email`` is null for some.
    """

    user_id: pl.Series
    first_name: pl.Series
    email: pl.Series
    zone: Ints
    persona: Ints
    joins: Ints
    appetite: Floats
    buys: Floats
    reads: Floats
    allows: Truths

    def __len__(self) -> int:
        return len(self.zone)


def draw(number: int, hours: int, chance: np.random.Generator) -> People:
    """Draw people; three of ten sign up during the ``hours`` of the simulation."""
    chosen = chance.choice(len(_CONSENT), number, p=list(_CONSENT.values()))
    names = np.array(_FIRST_NAMES)[chance.integers(len(_FIRST_NAMES), size=number)]
    new = chance.random(number) < _NEW_SHARE
    drifted = ~new & (chance.random(number) < _DRIFTED)
    return People(
        user_id=pl.Series([f"qb-{index:05d}" for index in range(number)]),
        first_name=pl.Series(names.tolist()),
        email=_emails(names, chance),
        zone=chance.choice(len(ZONES), number, p=[zone.share for zone in ZONES]),
        persona=chance.choice(len(PERSONAS), number, p=_PERSONA_SHARES),
        joins=np.where(new, chance.integers(0, max(hours, 1), number), LONG_AGO),
        appetite=chance.lognormal(np.log(0.075), 1.0, number) * np.where(drifted, 0.15, 1.0),
        buys=chance.beta(2.0, 6.5, number),
        reads=chance.beta(2.2, 2.8, number),
        allows=np.array(list(_CONSENT))[chosen],
    )


def _emails(names: npt.NDArray[np.str_], chance: np.random.Generator) -> pl.Series:
    hosts = chance.choice(list(HOSTS), len(names), p=list(HOSTS.values()))
    without = chance.random(len(names)) < _WITHOUT_EMAIL
    found = [
        None if absent else f"{name.lower()}.{index}@{host}"
        for index, (name, host, absent) in enumerate(zip(names, hosts, without, strict=True))
    ]
    return pl.Series(found, dtype=pl.String)
