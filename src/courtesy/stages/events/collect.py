"""From the bytes of one API call to the events worth keeping; the others get a reason."""

import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

import msgspec
from msgspec import Raw

from courtesy.ground.primitives.clock import read_time
from courtesy.ground.primitives.errors import CallError
from courtesy.stages.events.calls import (
    Fault,
    explain,
    fault_of,
    fault_of_context,
    fault_of_time,
    sentence,
)
from courtesy.stages.events.model import (
    BATCH_BYTES,
    BATCH_EVENTS,
    CALLS,
    EVENT_BYTES,
    Collected,
    Rejection,
)

BATCH = "batch"
FoundT = TypeVar("FoundT")
_NULL = b"null"
_MALFORMED = re.compile(r"malformed: (?P<why>.*) \(byte (?P<byte>\d+)\)")
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w|(?P<half>u[dD][89a-fA-F]\w\w)|.)", re.DOTALL
)


class _Envelope(msgspec.Struct, rename="camel"):
    batch: list[Raw]
    sent_at: str | None = None
    context: Raw = Raw(_NULL)


class _Single(msgspec.Struct, rename="camel"):
    sent_at: str | None = None


_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_single = msgspec.json.Decoder(_Single).decode
_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode


def collect(body: bytes, call: str) -> Collected:
    """Keep the events of one call that can be used.

    Args:
        body: what the client sent, decompressed.
        call: identify, track, page, screen, group, alias or batch.

    Returns:
        The good events as JSON ``{"batch", "sentAt", "context"}``, and the others with their
        reasons. The write key is left out. Half a surrogate pair, which some clients leave when
        they cut text, becomes U+FFFD (The Unicode Standard, 5.22).

    Raises:
        CallError: the body is not JSON, is too large or holds no event that can be used.
    """
    body = body.removeprefix(BOM_UTF8)
    _check_text(body, BATCH_BYTES if call == BATCH else EVENT_BYTES)
    try:
        return _collect(body, call)
    except msgspec.ValidationError as error:
        raise _refusal(explain(error)) from None
    except msgspec.DecodeError as error:
        raise _not_json(body, str(error)) from None
    except RecursionError:
        raise CallError("Its JSON is nested too deeply.") from None


def batch_text(
    events: Sequence[bytes], sent_at: datetime | None = None, context: bytes = _NULL
) -> bytes:
    """A batch as it stands in the inbox: JSON of ``batch``, ``sentAt`` and ``context``."""
    sent = msgspec.json.encode(sent_at)
    return b'{"batch":[%b],"sentAt":%b,"context":%b}' % (b",".join(events), sent, context)


def mended(take: Callable[[bytes], FoundT], text: bytes) -> FoundT:
    """What ``take`` makes of JSON, half a surrogate pair in it replaced by U+FFFD if need be."""
    try:
        return take(text)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        return take(_ESCAPE.sub(_whole, text))


def _collect(body: bytes, call: str) -> Collected:
    take = _collect_batch if call == BATCH else partial(_collect_single, call=call)
    return mended(take, body)


def _whole(escape: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if escape["half"] else escape[0]


def _collect_batch(body: bytes) -> Collected:
    found = _decode_envelope(body)
    if len(found.batch) > BATCH_EVENTS:
        detail = f"It holds {len(found.batch):,} events; it may have {BATCH_EVENTS:,}."
        raise CallError(detail, place=BATCH)
    context = bytes(found.context)
    fault = fault_of_context(context)
    if fault:
        raise _refusal(Fault(_path("context", fault.place), fault.reason))
    events = [bytes(event) for event in found.batch]
    faults = [fault_of(event, CALLS) for event in events]
    kept = [event for event, fault in zip(events, faults, strict=True) if fault is None]
    rejections = tuple(_rejections(events, faults))
    if rejections and not kept:
        raise _all_refused(rejections)
    return Collected(batch_text(kept, _sent(found.sent_at), context), len(kept), rejections)


def _collect_single(body: bytes, call: str) -> Collected:
    sent_at = _sent(_decode_single(body).sent_at)
    fields = _decode_fields(body)
    fields.pop("writeKey", None)
    fields.pop("sentAt", None)
    event = msgspec.json.encode({**fields, "type": call})
    fault = fault_of(event, CALLS)
    if fault:
        raise _refusal(fault)
    return Collected(batch_text([event], sent_at), 1)


def _sent(text: str | None) -> datetime | None:
    fault = fault_of_time("sentAt", text)
    if fault:
        raise _refusal(fault)
    if text is None:
        return None
    moment = read_time(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _rejections(events: Sequence[bytes], faults: Sequence[Fault | None]) -> Iterator[Rejection]:
    for index, (event, fault) in enumerate(zip(events, faults, strict=True)):
        if fault:
            place = _path(f"{BATCH}[{index}]", fault.place)
            yield Rejection(place, sentence(fault), event.decode())


def _all_refused(rejections: tuple[Rejection, ...]) -> CallError:
    first, count = rejections[0], len(rejections)
    more = f" All {count:,} events have faults; this is the first." if count > 1 else ""
    return CallError(first.reason + more, place=first.place)


def _refusal(fault: Fault) -> CallError:
    return CallError(sentence(fault), place=fault.place)


def _path(outer: str, inner: str) -> str:
    return f"{outer}.{inner}" if inner else outer


def _not_json(body: bytes, complaint: str) -> CallError:
    found = _MALFORMED.search(complaint)
    if not found:
        return CallError("It is not JSON: it breaks off.", place=_line_and_column(body, len(body)))
    where = _line_and_column(body, int(found["byte"]))
    return CallError(f"It is not JSON: {found['why']}.", place=where)


def _check_text(body: bytes, limit: int) -> None:
    if len(body) > limit:
        raise CallError(f"It is of {len(body):,} bytes; it may have {limit:,}.")
    try:
        body.decode()
    except UnicodeDecodeError as error:
        where = _line_and_column(body, error.start)
        raise CallError("It is not UTF-8.", place=where) from None


def _line_and_column(body: bytes, at: int) -> str:
    lines = body[:at].split(b"\n")
    return f"line {len(lines)}, column {len(lines[-1]) + 1}"
