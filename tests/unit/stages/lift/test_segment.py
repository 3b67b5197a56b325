"""Who was in which segment when they were exposed."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from courtesy.stages.lift import MERGES, Segmented, segment_notices, segmented
from courtesy.stages.profiles import TRAITS

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
Kept = Mapping[str, object] | None
NOBODY = pl.DataFrame(schema=MERGES)
KEPT = pl.Schema(
    {"person_id": pl.String(), "exposed_at": pl.Datetime("us", "UTC"), "traits": pl.String()}
)


def exposed(*rows: tuple[str, datetime, Kept]) -> pl.DataFrame:
    found = [(who, at, None if kept is None else json.dumps(kept)) for who, at, kept in rows]
    return pl.DataFrame(found, schema=KEPT, orient="row")


def told(*rows: tuple[str, object, datetime], name: str = "tier") -> pl.DataFrame:
    found = [(who, name, json.dumps(value), at) for who, value, at in rows]
    return pl.DataFrame(found, schema=TRAITS, orient="row")


def found(one: Segmented) -> dict[str, str]:
    return dict(one.segments.sort("person_id").iter_rows())


@pytest.mark.parametrize(
    ("kept", "newest", "wanted", "of_now"),
    [
        ({"tier": "gold"}, ("tin", NOON + HOUR), "gold", 0),
        ({"tier": None}, ("tin", NOON + HOUR), None, 0),
        ({"tier": 3, "country": "NL"}, None, "3", 0),
        ({"tier": True}, None, "true", 0),
        ({"tier": {"b": [1, "ü"], "a": 2}}, None, '{"a":2,"b":[1,"ü"]}', 0),
        ({"country": "NL"}, ("tin", NOON - HOUR), "tin", 0),
        ({"country": "NL"}, ("tin", NOON + HOUR), "tin", 1),
        (None, ("tin", NOON), "tin", 0),
        (None, ("tin", NOON + HOUR), "tin", 1),
        (None, (None, NOON + HOUR), None, 1),
        (None, (None, NOON - HOUR), None, 0),
        (None, None, None, 0),
    ],
)
def test_what_was_kept_comes_first_and_then_what_was_told_before(
    kept: Kept, newest: tuple[object, datetime] | None, wanted: str | None, of_now: int
) -> None:
    rows = told(("ann", *newest)) if newest else told()
    one = segmented(exposed(("ann", NOON, kept)), rows, "tier", NOBODY)
    assert found(one) == ({} if wanted is None else {"ann": wanted})
    assert (one.of_now, one.people) == (of_now, 1)


def test_the_first_exposure_of_a_person_counts_by_whatever_id() -> None:
    rows = exposed(("new", NOON, {"tier": "gold"}), ("old", NOON - HOUR, {"tier": "tin"}))
    merges = pl.DataFrame([("old", "new")], schema=MERGES, orient="row")
    assert found(segmented(rows, told(), "tier", merges)) == {"new": "tin"}
    unkept = exposed(("new", NOON, {"tier": "gold"}), ("old", NOON - HOUR, None))
    one = segmented(unkept, told(("new", "tin", NOON)), "tier", merges)
    assert (found(one), one.of_now, one.people) == ({"new": "tin"}, 1, 1)


def test_exposures_without_the_column_and_other_traits_say_nothing() -> None:
    rows = exposed(("ann", NOON, None), ("bob", NOON, None)).drop("traits")
    newest = pl.concat([told(("ann", "gold", NOON)), told(("bob", "NL", NOON), name="country")])
    assert found(segmented(rows, newest, "tier", NOBODY)) == {"ann": "gold"}


def test_what_is_no_json_is_not_known() -> None:
    rows = pl.DataFrame(
        [("ann", NOON, "{"), ("bob", NOON, '{"tier":1}')], schema=KEPT, orient="row"
    )
    broken = told(("ann", "x", NOON)).with_columns(value=pl.lit('"a\nb"'))
    assert found(segmented(rows, broken, "tier", NOBODY)) == {"bob": "1"}


def test_a_notice_says_of_how_many() -> None:
    nobody, some = (Segmented("tier", pl.DataFrame(), number, 2_000) for number in (0, 1_500))
    assert list(segment_notices([nobody])) == []
    (notice,) = segment_notices([some])
    assert notice.name == "segments_now"
    assert notice.detail.startswith("1,500 of 2,000 people are grouped by their tier of now")
