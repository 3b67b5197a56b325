"""People needed, against statsmodels."""

import numpy as np
import pytest
from statsmodels.stats.power import NormalIndPower, TTestIndPower

from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats import AlwaysValid, Fixed, Moments, Sizing, people_needed, power, ratios


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_people_needed_are_those_of_statsmodels(share: float) -> None:
    first = TTestIndPower().solve_power(0.1, power=0.9, alpha=0.05, ratio=share / (1 - share))
    found = people_needed(Sizing(2.0, 400.0, 400.0, share), Fixed(), 0.9)
    assert found == pytest.approx(first / (1 - share), rel=1e-3)


def test_power_is_that_of_statsmodels() -> None:
    found = power(Sizing(2.0, 400.0, 400.0), [500, 2_000, 8_000], Fixed())
    for units, chance in zip((500, 2_000, 8_000), found, strict=True):
        assert float(chance) == pytest.approx(
            NormalIndPower().power(0.1, units / 2, 0.05), abs=3e-3
        )


def test_a_proportion_has_its_own_variance() -> None:
    sizing = Sizing.of_shares(0.10, 0.12)
    expected = (1.959964 + 0.841621) ** 2 * 2 * (0.10 * 0.90 + 0.12 * 0.88) / 0.02**2
    assert people_needed(sizing, Fixed()) == pytest.approx(expected, rel=2e-3)


def test_history_saves_the_people_that_it_explains() -> None:
    random = np.random.default_rng(1)
    before = random.normal(size=20_000)
    rows = np.column_stack([before * 2 + random.normal(size=20_000), before])
    plain = people_needed(Sizing.of_history(0.1, Moments.of(rows[:, :1])), Fixed())
    helped = people_needed(Sizing.of_history(0.1, Moments.of(rows)), Fixed())
    assert helped / plain == pytest.approx(1 / 5, rel=0.03)


def test_a_ratio_is_planned_by_its_linear_pieces() -> None:
    random = np.random.default_rng(2)
    sessions = 1 + random.poisson(2, size=20_000)
    rows = np.column_stack([random.binomial(sessions, 0.3), sessions]).astype(np.float64)
    sizing = Sizing.of_history(0.01, ratios(Moments.of(rows), [(0, 1)]))
    assert sizing.control_variance == pytest.approx(0.3 * 0.7 / 3, rel=0.05)


def test_looking_at_any_time_costs_people() -> None:
    sizing = Sizing.of_shares(0.10, 0.12)
    assert 1 < people_needed(sizing, AlwaysValid()) / people_needed(sizing, Fixed()) < 4


@pytest.mark.parametrize("sizing", [Sizing(0, 1, 1), Sizing(1, 1, 1, 0), Sizing(1, 1, 1, 1)])
def test_what_cannot_be_found_is_refused(sizing: Sizing) -> None:
    with pytest.raises(DataError):
        people_needed(sizing, Fixed())


def test_what_nobody_could_find_is_refused() -> None:
    with pytest.raises(DataError, match="would not be enough"):
        people_needed(Sizing(1e-9, 1, 1), Fixed())
