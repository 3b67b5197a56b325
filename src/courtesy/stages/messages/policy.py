"""The policy of all contacts, as an operator writes it in ``policy.yaml``."""

import re
from collections.abc import Mapping
from datetime import time, timedelta
from functools import cached_property
from typing import Annotated, Any

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from courtesy.ground.definitions import Model
from courtesy.ground.primitives.clock import duration
from courtesy.ground.primitives.errors import InputError
from courtesy.ground.primitives.line import is_one_line, one_line
from courtesy.ground.primitives.shares import percent
from courtesy.ground.primitives.zones import read_zone
from courtesy.stages.experiments.model import UNIVERSAL

_PROGRAM = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")

EMAIL = "email"
CHANNELS = frozenset({EMAIL})
"""The channels there are; a person's address stands in the trait of the same name."""


def mail_address(text: str) -> str | None:
    """The address that a text spells, in one spelling; None when mail cannot be sent to it.

    Only the syntax counts (RFC 5321, 5322); a domain in other letters becomes ASCII (RFC 5891).
    """
    try:
        found = validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return None
    return found.ascii_email


def _time(text: Any) -> Any:  # noqa: ANN401 - whatever YAML says
    if isinstance(text, int):
        raise ValueError('write the time in quotes, such as "21:00"')  # noqa: TRY004 - pydantic's
    return time.fromisoformat(text) if isinstance(text, str) else text


def _duration(text: Any) -> Any:  # noqa: ANN401 - whatever YAML says
    try:
        return duration(text) if isinstance(text, str) else text
    except InputError as error:
        raise ValueError(error.detail) from None


def _share(text: Any) -> float:  # noqa: ANN401 - whatever YAML says
    try:
        return percent(text)
    except InputError:
        raise ValueError("a share is written from 0% to 100%, such as 10%") from None


def _program(name: str) -> str:
    if not _PROGRAM.fullmatch(name) or name == UNIVERSAL:
        raise ValueError(
            f"a program is named in small letters, digits, - and _, and is not {UNIVERSAL!r}"
        )
    return name


def _one_line(text: str) -> str:
    if not is_one_line(text):
        raise ValueError("this should be one line of text")
    return one_line(text)


def _lines(text: str) -> str:
    if not text.strip():
        raise ValueError("this should not be empty")
    return text.strip()


def _zone(name: str) -> str:
    found = read_zone(name)
    if found is None:
        raise ValueError("this should be an IANA time zone, such as Europe/Paris")
    return found


def _address(text: str) -> str:
    found = mail_address(text)
    if found is None:
        raise ValueError("this should be a mail address")
    return found


def _channel(name: str) -> str:
    if name not in CHANNELS:
        raise ValueError(f"the channels are: {', '.join(sorted(CHANNELS))}")
    return name


_Address = Annotated[str, AfterValidator(_address)]
_Channel = Annotated[str, AfterValidator(_channel)]
_Cost = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Program = Annotated[str, AfterValidator(_program)]
_Share = Annotated[float, BeforeValidator(_share)]
_Time = Annotated[time, BeforeValidator(_time)]


class Sender(Model):
    """Who speaks."""

    name: Annotated[str, AfterValidator(_one_line)]
    address: _Address
    reply_to: _Address | None = None


class QuietHours(Model):
    """The hours of a person's day in which nothing is sent; they may reach over midnight."""

    start: _Time = Field(alias="from")
    end: _Time = Field(alias="to")

    @model_validator(mode="after")
    def _sound(self) -> "QuietHours":
        if self.start == self.end:
            raise ValueError("quiet hours begin and end at different times")
        if self.start.tzinfo or self.end.tzinfo:
            raise ValueError("quiet hours are in each person's own zone; name none")
        return self

    def holds(self, moment: time) -> bool:
        """Whether a local time of day is quiet; ``start`` is, ``end`` is not."""
        if self.start <= self.end:
            return self.start <= moment < self.end
        return moment >= self.start or moment < self.end


class Cap(Model):
    """At most so many messages to one person on one channel within a sliding window."""

    channel: _Channel
    at_most: Annotated[int, Field(ge=1)]
    within: Annotated[timedelta, BeforeValidator(_duration), Field(gt=timedelta(0))]


class Holdouts(Model):
    """Who is left alone for good, so that the effect of everything said beside nothing can be seen.

    ``universal``: the share (0 to 1) of people to whom only ``service_topics`` are spoken about.
    ``programs``: the share left alone by the journeys of each program. ``cluster``: the trait whose
    equals are left alone together, such as a household.
    """

    universal: _Share = 0.0
    programs: Mapping[_Program, _Share] = Field(default={})
    cluster: Annotated[str, AfterValidator(_one_line)] | None = None


class Uncertain(Model):
    """What is done about a message of which nobody knows whether the provider took it.

    ``repeat_after``: it is said again, under the same Message-ID, when no receipt came for so long.
    """

    repeat_after: (
        Annotated[timedelta, BeforeValidator(_duration), Field(gt=timedelta(0))] | None
    ) = None

    @model_validator(mode="before")
    @classmethod
    def _never(cls, given: Any) -> Any:  # noqa: ANN401 - whatever YAML says
        return {} if given == "never" else given


class Policy(Model):
    """The rules of every contact: the file ``policy.yaml``, definition kind ``policy``.

    ``postal_address`` stands in every commercial mail (CAN-SPAM Act, 15 U.S.C. 7704(a)(5)).
    ``default_time_zone`` is the zone of people whose own cannot be read; without it they are
    refused as ``no_time_zone`` while there are ``quiet_hours``. Messages of ``service_topics``
    (receipts, security) need no consent, keep no quiet hours, neither count for ``caps`` nor obey
    them, and reach people whom the universal holdout or a program's leaves alone. ``costs`` is
    what a message that a channel took costs, in the brand's money. ``uncertain`` messages are
    said again ``never``, or ``{repeat_after: 6h}``. ``testers`` are the addresses to which letters
    may be sent to look at them (``courtesy send-test``).
    """

    sender: Sender
    postal_address: Annotated[str, AfterValidator(_lines)]
    quiet_hours: QuietHours | None = None
    default_time_zone: Annotated[str, AfterValidator(_zone)] | None = None
    caps: tuple[Cap, ...] = Field(default=(), strict=False)
    service_topics: frozenset[str] = Field(default=frozenset(), strict=False)
    holdouts: Holdouts = Holdouts()
    costs: Mapping[_Channel, _Cost] = Field(default={})
    uncertain: Uncertain = Uncertain()
    testers: tuple[_Address, ...] = Field(default=(), strict=False)

    @cached_property
    def longest_cap(self) -> timedelta:
        """The longest window of a cap; what was said before it does not matter."""
        return max((cap.within for cap in self.caps), default=timedelta(0))
