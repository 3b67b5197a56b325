"""Effects by segment."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from courtesy.ground.stats import Array, Fixed, Moments, shrunk
from courtesy.stages.lift import Design, Outcome, Tally, spreads
from courtesy.stages.lift.model import MEAN, PROPORTION, Spread
from courtesy.stages.lift.spreads import OTHER

random = np.random.default_rng(67)
DESIGN = Design("welcome", "holdout", {"holdout": 1, "mail": 1}, None, Fixed())


def spent(segment: str, units: int, effect: float) -> Tally:
    rows = {arm: random.normal(10, 2, (units, 1)) for arm in ("holdout", "mail")}
    rows["mail"] += effect
    moments = {arm: Moments.of(values) for arm, values in rows.items()}
    return Tally(segment, dict.fromkeys(rows, units), (Outcome("spent", MEAN, moments),))


def bought(segment: str, units: int, hits: tuple[int, int]) -> Tally:
    arms = dict(zip(("holdout", "mail"), hits, strict=True))
    moments = {arm: Moments.of_counts(units, hit) for arm, hit in arms.items()}
    return Tally(segment, dict.fromkeys(arms, units), (Outcome("bought", PROPORTION, moments),))


def one(*tallies: Tally) -> Spread:
    (found,) = spreads(DESIGN, "tier", tallies)
    return found


def own(tally: Tally) -> tuple[float, float]:
    arms = tally.outcomes[0].moments
    control, treated = (arms[arm] for arm in ("holdout", "mail"))
    variance = sum(float(m.covariance[0, 0] / m.count) for m in (control, treated))
    return float(treated.mean[0] - control.mean[0]), float(np.sqrt(variance))


def test_many_segments_are_drawn_towards_each_other() -> None:
    tallies = [spent(f"s{at}", 400, effect) for at, effect in enumerate((0.1, 0.4, 0.9, 0.2, 0.6))]
    found = one(*tallies)
    effects, errors = (np.array(part) for part in zip(*map(own, tallies), strict=True))
    oracle = shrunk(effects, errors)
    assert [s.own for s in found.segments] == pytest.approx(list(effects))
    shown: Array = np.array([(s.effect, s.effect_low, s.effect_high) for s in found.segments])
    expected = np.stack([oracle.effect, oracle.low, oracle.high], axis=-1)
    np.testing.assert_allclose(shown, expected, rtol=0.05, atol=0.01)
    assert (found.trait, found.arm, found.metric) == ("tier", "mail", "spent")
    assert [s.units for s in found.segments] == [800] * 5
    assert np.ptp(shown[:, 0]) < np.ptp(effects)


def test_three_segments_keep_their_effects_under_intervals_that_hold_together() -> None:
    tallies = [spent(name, 400, 1.0) for name in ("a", "b", "c")]
    for segment, (effect, error) in zip(one(*tallies).segments, map(own, tallies), strict=True):
        assert segment.effect == segment.own == pytest.approx(effect)
        half = (segment.effect_high - segment.effect_low) / 2
        assert half == pytest.approx(stats.norm.isf(0.05 / 6) * error, rel=0.05)


def test_small_segments_are_taken_together() -> None:
    large = [spent(name, 200, 1.0) for name in ("a", "b")]
    found = one(large[0], spent("x", 30, 1.0), large[1], spent("y", 40, 1.0))
    assert [(s.segment, s.units) for s in found.segments] == [("a", 400), ("b", 400), (OTHER, 140)]


def test_where_the_others_are_still_too_few_the_smallest_joins_them() -> None:
    found = one(spent("a", 300, 1.0), spent("b", 200, 1.0), spent("c", 250, 1.0), spent("x", 9, 1))
    assert [(s.segment, s.units) for s in found.segments] == [
        ("a", 600),
        ("c", 500),
        (OTHER, 418),
    ]


def test_a_segment_in_which_hardly_anybody_did_it_does_not_stand_alone() -> None:
    found = one(
        bought("a", 1_000, (50, 60)), bought("b", 1_000, (3, 5)), bought("c", 900, (40, 60))
    )
    assert [s.segment for s in found.segments] == ["a", OTHER]


def test_one_segment_or_no_difference_between_people_has_no_spread() -> None:
    assert spreads(DESIGN, "tier", [spent("a", 400, 1.0)]) == ()
    assert spreads(DESIGN, "tier", [spent("a", 30, 1.0), spent("b", 20, 1.0)]) == ()
    assert spreads(DESIGN, "tier", []) == ()
    same = [spent(name, 100, 0) for name in ("a", "b")]
    still = [
        replace(
            tally,
            outcomes=(
                Outcome("spent", MEAN, dict.fromkeys(DESIGN.units, Moments.of(np.ones((60, 1))))),
            ),
        )
        for tally in same
    ]
    assert spreads(DESIGN, "tier", still) == ()


def test_groups_that_chance_did_not_make_have_no_effects() -> None:
    tallies = [spent(name, 400, 1.0) for name in ("a", "b")]
    assert spreads(replace(DESIGN, randomised=False), "tier", tallies) == ()
