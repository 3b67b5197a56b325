"""Who fetched an address of a message. The figures are those of the rule in docs/mail.md."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from courtesy.stages.messages.fetches import FETCHES, judge, read_signal
from courtesy.stages.messages.links import LinkKind
from courtesy.stages.messages.model import INSTANT

SENT = datetime(2026, 3, 4, 12, tzinfo=UTC)
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/143.0.0.0 Safari/537.36"
)
Fetch = tuple[str, str, str, float]


def judged(*fetches: Fetch, sent: datetime | None = SENT) -> list[str | None]:
    """Of (kind, url, signal, seconds after sending): what shows a machine, in the order given."""
    rows = [
        (f"{n:03}", "m", kind, url, signal, SENT + timedelta(seconds=after), sent)
        for n, (kind, url, signal, after) in enumerate(fetches)
    ]
    frame = pl.DataFrame(rows, schema={**FETCHES, "sent_at": INSTANT}, orient="row")
    return judge(frame).sort("fetch_id")["machine"].to_list()


def test_a_person_opens_and_follows_a_link() -> None:
    assert judged(("o", "", "", 60), ("c", "a", "", 62), ("c", "a", "", 63)) == [None] * 3
    assert judged(("c", "a", "", 1)) == [None]
    assert judged(("c", "a", "", 100), ("c", "b", "", 106)) == [None, None]


def test_different_links_at_once_are_a_machine_s_with_the_picture() -> None:
    assert judged(("o", "", "", 90), ("c", "a", "", 90), ("c", "b", "", 91)) == ["burst"] * 3
    assert judged(("c", "a", "", 90), ("u", "", "", 91)) == ["burst"] * 2


def test_a_person_who_comes_later_or_before_is_one() -> None:
    scanner: list[Fetch] = [("c", link, "", 100 + n / 10) for n, link in enumerate("abcab")]
    found = judged(("c", "a", "", 60), *scanner, ("o", "", "", 300), ("c", "a", "", 301))
    assert found == [None, *["burst"] * 5, None, None]


def test_a_slow_scanner_is_known_by_its_haste_after_sending() -> None:
    assert judged(("c", "a", "", 2), ("c", "b", "", 11), ("c", "c", "", 20)) == ["haste"] * 3
    assert judged(("c", "a", "", 2), ("c", "b", "", 11), sent=None) == [None, None]


def test_messages_are_judged_apart() -> None:
    rows = [
        ("1", "m1", "c", "a", "", SENT, SENT),
        ("2", "m2", "c", "b", "", SENT, SENT),
        ("3", "m3", "o", "", "", SENT, SENT),
    ]
    frame = pl.DataFrame(rows, schema={**FETCHES, "sent_at": INSTANT}, orient="row")
    assert judge(frame)["machine"].null_count() == 3
    assert judge(frame.clear()).is_empty()


def test_what_a_request_says_of_itself_stands() -> None:
    assert judged(("c", "a", "agent", 600), ("c", "a", "", 610)) == ["agent", None]
    assert judged(("o", "", "prefetch", 600)) == ["prefetch"]
    assert judged(("o", "", "proxy", 20), ("o", "", "proxy", 600)) == ["proxy", None]
    assert judged(("o", "", "proxy", 600), sent=None) == ["proxy"]


@pytest.mark.parametrize(
    ("kind", "headers", "signal"),
    [
        ("c", {"user-agent": CHROME}, None),
        ("c", {}, None),
        ("c", {"user-agent": CHROME, "sec-purpose": "prefetch;prerender"}, "prefetch"),
        ("o", {"user-agent": CHROME, "purpose": "prefetch"}, "prefetch"),
        ("c", {"user-agent": CHROME, "x-moz": "prefetch"}, "prefetch"),
        ("o", {"user-agent": "Mozilla/5.0"}, "prefetch"),
        ("c", {"user-agent": "Mozilla/5.0"}, None),
        ("o", {"user-agent": "Mozilla/5.0 (via ggpht.com GoogleImageProxy)"}, "proxy"),
        ("o", {"user-agent": "YahooMailProxy; https://help.yahoo.com/"}, "proxy"),
        ("c", {"user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}, "agent"),
        ("c", {"user-agent": f"{CHROME} BingPreview/1.0b"}, "agent"),
        ("c", {"user-agent": "GoogleMessages/1.0"}, "agent"),
        ("c", {"user-agent": "BarracudaCentral Link Scanner"}, "agent"),
        ("c", {"user-agent": f"{CHROME} CUBOT X30"}, None),  # a telephone
    ],
)
def test_signals_of_a_request(kind: str, headers: Mapping[str, str], signal: str | None) -> None:
    assert read_signal(LinkKind(kind), headers) == signal
