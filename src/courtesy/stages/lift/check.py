"""Documents in, metrics out; what is not one is refused with file, line and node."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, NoReturn, TypeVar

from pydantic import Field

from courtesy.ground.definitions import Document, Model
from courtesy.ground.definitions import check as check_model
from courtesy.ground.primitives.errors import ConditionError, DefinitionError, InputError
from courtesy.ground.primitives.shares import percent
from courtesy.ground.rules import Did, parse
from courtesy.ground.rules.model import Where
from courtesy.ground.rules.node import LONGEST, Node
from courtesy.stages.lift.model import CONVERSION, COUNT, HIGHER, LOWER, SUM, TIME, Metric, Ratio

_SENT = "Email Sent"
_OPTED_OUT = ("Unsubscribed", "Consent Withdrawn")
_LIMITS = ("cap", "winsorise", "quantile")
_WHEN = ("where", "after", "within")


class _File(Model):
    metric: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=100)
    kind: Literal[
        "conversion",
        "count",
        "sum",
        "ratio",
        "retention",
        "time_to_event",
        "opt_outs",
        "cost",
    ]
    description: str | None = None
    better: Literal["higher", "lower"] | None = None
    event: str | list[str] | None = None
    where: dict[str, Any] | None = None
    property: str | None = None
    after: str | None = None
    within: str | None = None
    at_least: int = Field(default=1, ge=1, le=1_000_000)
    cap: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    winsorise: Any = None
    quantile: Any = None
    day: int | None = None
    top: str | None = None
    bottom: str | None = None


@dataclass(frozen=True)
class _Kind:
    """What a kind of metric is counted as, and which fields it may and has to have."""

    counted: str
    fields: tuple[str, ...]
    needs: Mapping[str, str]
    better: str = HIGHER


_EVENT = {"event": "whose events it counts"}
_KINDS = {
    "conversion": _Kind(CONVERSION, ("event", *_WHEN, "at_least"), _EVENT),
    "count": _Kind(COUNT, ("event", *_WHEN, *_LIMITS), _EVENT),
    "sum": _Kind(
        SUM,
        ("event", "property", *_WHEN, *_LIMITS),
        {**_EVENT, "property": "the number that it adds up"},
    ),
    "ratio": _Kind(
        "", ("top", "bottom"), {"top": "the metric above", "bottom": "the metric below"}
    ),
    "retention": _Kind(
        CONVERSION, ("event", "where", "day"), {**_EVENT, "day": "how many days later"}
    ),
    "time_to_event": _Kind(
        TIME,
        ("event", *_WHEN, "winsorise", "quantile"),
        {**_EVENT, "within": "its longest value"},
        LOWER,
    ),
    "opt_outs": _Kind(CONVERSION, _WHEN, {}, LOWER),
    "cost": _Kind(SUM, ("event", "property", *_WHEN, *_LIMITS), {}, LOWER),
}
T = TypeVar("T")
_ALWAYS = ("metric", "kind", "description", "better")


def check(documents: Sequence[Document]) -> Mapping[str, Metric | Ratio]:
    """The metrics that the documents define, by name.

    Raises:
        DefinitionError: a field or a condition is not valid, a name is used twice, or a ratio
            refers to a metric that does not exist or is not a mean.
    """
    found: dict[str, tuple[Document, _File]] = {}
    for document in documents:
        file = _checked(document)
        if file.metric in found:
            place = document.place(("metric",))
            raise DefinitionError(f"There are two metrics {file.metric}.", place=place)
        found[file.metric] = document, file
    plain = {name: _metric(*one) for name, one in found.items() if one[1].kind != "ratio"}
    return {
        name: plain[name] if name in plain else _ratio(*one, plain, found)
        for name, one in found.items()
    }


def _checked(document: Document) -> _File:
    file = check_model(_File, document)
    kind = _KINDS[file.kind]
    for name in document.data:
        if name not in (*_ALWAYS, *kind.fields):
            listed = ", ".join((*kind.fields, "better", "description"))
            _refuse(document, name, f"The kind {file.kind} has no {name}. It has: {listed}.")
    for name, what in kind.needs.items():
        if getattr(file, name) is None:
            _refuse(document, name, f"The kind {file.kind} needs {name}, {what}.")
    given = [name for name in _LIMITS if getattr(file, name) is not None]
    if len(given) > 1:
        _refuse(document, given[1], f"It goes without {given[0]}: one of {', '.join(_LIMITS)}.")
    return file


def _metric(document: Document, file: _File) -> Metric:
    kind = _KINDS[file.kind]
    after, within = _window(document, file)
    events = tuple(_events(document, file))
    return Metric(
        name=file.metric,
        kind=kind.counted,
        events=events,
        property=_property(document, file),
        where=_where(document, file, events[0]),
        after=after,
        within=within,
        at_least=file.at_least,
        cap=file.cap,
        winsorise=_share(document, "winsorise", file.winsorise),
        quantile=_share(document, "quantile", file.quantile),
        better=file.better or kind.better,
    )


def _ratio(
    document: Document, file: _File, plain: Mapping[str, Metric], known: Iterable[str]
) -> Ratio:
    def part(field: str, name: str) -> Metric:
        metric = plain.get(name)
        if metric is None and name in known:
            _refuse(document, field, f"{name} is a ratio itself; a ratio is of two other kinds.")
        if metric is None:
            listed = ", ".join(sorted(plain)) or "none"
            _refuse(document, field, f"There is no metric {name!r}. There is: {listed}.")
        if metric.quantile is not None:
            _refuse(document, field, f"{name} compares a quantile; a ratio is of means.")
        return metric

    top, bottom = part("top", file.top or ""), part("bottom", file.bottom or "")
    return Ratio(file.metric, top, bottom, file.better or HIGHER)


def _events(document: Document, file: _File) -> Iterator[str]:
    default = {"opt_outs": list(_OPTED_OUT), "cost": [_SENT]}.get(file.kind)
    given = [file.event] if isinstance(file.event, str) else file.event
    if given is not None and (not given or len(set(given)) < len(given)):
        _refuse(document, "event", "It should be an event, or a list of different ones.")
    for number, event in enumerate(given or default or []):
        path = ("event", number) if isinstance(file.event, list) else ("event",)
        yield _told(Node(event, path, document.place).name)


def _where(document: Document, file: _File, event: str) -> tuple[Where, ...]:
    if file.where is None:
        return ()
    data = {"did": event, "where": file.where}
    found = _told(lambda: parse(data, place=document.place))
    return found.where if isinstance(found, Did) else ()


def _property(document: Document, file: _File) -> str | None:
    name = file.property or ("cost" if file.kind == "cost" else None)
    if name is not None:
        text = _told(Node(name, ("property",), document.place).name)
        if not all(text.split(".")) or "*" in text.split("."):
            _refuse(document, "property", f"It is a name, or names with dots; found {text!r:.80}.")
    return name


def _window(document: Document, file: _File) -> tuple[timedelta, timedelta | None]:
    """When counting starts and when it ends, after the exposure."""
    if file.day is not None:
        if not 0 <= file.day < LONGEST.days:
            _refuse(document, "day", f"It is from 0 to {LONGEST.days - 1} days; found {file.day}.")
        return timedelta(days=file.day), timedelta(days=file.day + 1)
    after = _length(document, "after", file.after) or timedelta(0)
    within = _length(document, "within", file.within)
    if within is not None and after >= within:
        _refuse(
            document,
            "after",
            f"Counting would start {file.after} after the exposure and end {file.within} after it.",
        )
    return after, within


def _length(document: Document, field: str, text: str | None) -> timedelta | None:
    return _told(Node(text, (field,), document.place).length) if text is not None else None


def _share(document: Document, field: str, text: object) -> float | None:
    if text is None:
        return None
    try:
        share = percent(text)
    except InputError as error:
        raise DefinitionError(error.detail, place=document.place((field,))) from None
    if not 0 < share < 1:
        _refuse(document, field, f"It lies between 0% and 100%; found {text}.")
    return share


def _told(read: Callable[[], T]) -> T:
    """What is read; a complaint of the condition language becomes one about the definition."""
    try:
        return read()
    except ConditionError as error:
        raise DefinitionError(error.detail, place=error.place) from None


def _refuse(document: Document, field: str, detail: str) -> NoReturn:
    raise DefinitionError(detail, place=document.place((field,)))
