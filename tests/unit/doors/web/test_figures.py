from datetime import UTC, datetime, time

import pytest

from courtesy.doors.web import figures

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("number", "shown"), [(0, "0"), (999, "999"), (1234567, "1,234,567"), (2.6, "3")]
)
def test_counts_have_thousands(number: float, shown: str) -> None:
    assert figures.count(number) == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0.1234, "+12.3"), (-0.05, f"{MINUS}5.0"), (0.0, "0"), (-0.0001, "0"), (None, "–")],  # noqa: RUF001 - a dash is meant
)
def test_differences_are_points_with_their_sign(share: float | None, shown: str) -> None:
    assert figures.points(share) == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0.1234, "12.3%"), (0, "0.0%"), (1, "100.0%"), (None, "–")],  # noqa: RUF001 - same
)
def test_shares_are_percent(share: float | None, shown: str) -> None:
    assert figures.percent(share) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.4321, "0.43"), (0.0004, "below 0.001"), (1.0, "1"), (None, "–")],  # noqa: RUF001 - same
)
def test_p_values_are_short(value: float | None, shown: str) -> None:
    assert figures.p_value(value) == shown


def test_times_are_as_people_say_them() -> None:
    moment = datetime(2026, 3, 2, 8, 5, tzinfo=UTC)
    assert figures.day(moment) == "Mon 2 Mar 2026"
    assert figures.clock(moment) == figures.clock(time(8, 5)) == "08:05"


@pytest.mark.parametrize(
    ("share", "shown"), [(0.05, "+5"), (-0.025, f"{MINUS}2.5"), (0.0, "0"), (0.1, "+10")]
)
def test_an_axis_shows_no_needless_digits(share: float, shown: str) -> None:
    assert figures.ticked(share) == shown
