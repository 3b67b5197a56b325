import pytest

from courtesy.doors.web.experiment.unit import Unit

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("width", "share", "digits"),
    [(0.026, True, 1), (0.003, True, 2), (0.4, True, 0), (2.6, False, 1), (1_200.0, False, 0)],
)
def test_two_digits_of_the_intervals_width_are_shown(
    width: float,
    share: bool,  # noqa: FBT001 - parametrised
    digits: int,
) -> None:
    assert Unit.worth(width, share=share).digits == digits


def test_without_an_interval_three_digits_are_shown() -> None:
    unit = Unit.worth(None, share=False)
    assert [unit.level(value) for value in (0.0, 0.012345, 3.14159, 1234.5)] == [
        "0",
        "0.0123",
        "3.14",
        "1,234",
    ]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0214, "+2.1"), (-0.0214, f"{MINUS}2.1"), (0.0001, "0.0"), (-0.0001, "0.0"), (None, "–")],  # noqa: RUF001 - a dash is meant
)
def test_changes_of_shares_are_points_with_their_sign(value: float | None, shown: str) -> None:
    assert Unit(share=True, digits=1).change(value) == shown


def test_only_changes_of_shares_are_called_points() -> None:
    assert Unit(share=True, digits=1).named(0.02) == "+2.0 points"
    assert Unit(digits=2).named(0.02) == "+0.02"


@pytest.mark.parametrize(
    ("unit", "value", "shown"),
    [
        (Unit(share=True), 0.025, "+2.5"),
        (Unit(), 0.0, "0"),
        (Unit(), -2_000.0, f"{MINUS}2,000"),
        (Unit(), 25_000.0, "+25k"),
        (Unit(), 1_500_000.0, "+1.5M"),
    ],
)
def test_ticks_are_short(unit: Unit, value: float, shown: str) -> None:
    assert unit.tick(value) == shown
