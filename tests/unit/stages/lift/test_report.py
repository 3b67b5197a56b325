"""How a whole result is shown, as text and as data."""

import json
import math
from dataclasses import replace

import pytest

from courtesy.ground.stats import Fixed, Moments
from courtesy.stages.lift import Design, Lift, Outcome, as_data, as_text, conclude
from courtesy.stages.lift.model import (
    PROPORTION,
    FactorEffect,
    Look,
    OnTreated,
    SegmentEffect,
    Spread,
    Triggered,
)

UNITS = {"control": 5_000, "free": 5_000}


@pytest.fixture
def lift() -> Lift:
    hits = {"control": 580, "free": 680}
    moments = {arm: Moments.of_counts(UNITS[arm], hits[arm]) for arm in UNITS}
    design = Design("shipping", "control", UNITS, None, Fixed())
    parts = tuple(SegmentEffect(name, 900, 0.05, 0.03, 0.01, 0.05) for name in ("gold", "blue"))
    return replace(
        conclude(design, [Outcome("bought", PROPORTION, moments)]),
        on_treated=(OnTreated("free", "bought", 0.5, 0.01, 0.04, 0.02, 0.06, "always-valid"),),
        triggered=(Triggered("free", "bought", 3_000, 0.3, 0.06, 0.03, 0.09, None, None, None),),
        factors=(
            FactorEffect("bought", ("hour",), ("noon",), 0.02, 0.01, 0.03, 0.004, 0.008),
            FactorEffect("bought", ("hour", "tone"), ("noon", "dry"), *[None] * 5),
        ),
        spreads=(Spread("tier", "free", "bought", 0.03, 0.01, 0.4, parts),),
        looks=(
            Look("free", "bought", "2026-03-01", 10, None, None, None),
            Look("free", "bought", "2026-03-09", 10_000, 0.02, 0.01, 0.03),
        ),
    )


@pytest.mark.parametrize(
    "line",
    [
        "bought: 13.6% with free, 11.6% with control: 2.0 points more (0.7 to 3.3), so it helps.",
        (
            "bought, free: +0.04 (+0.02 to +0.06) for each person reached; 50.0% of the arm "
            "and 1.0% of the control were; always-valid"
        ),
        "bought, free: +0.06 (+0.03 to +0.09) for the 3,000 people who came to the trigger (30.0%)",
        "bought, hour = noon: +0.02 (+0.01 to +0.03); p = 0.004, corrected 0.008",
        "bought, hour = noon and tone = dry beyond their sum: unknown (no interval: too few",
        "bought, free, by tier: +0.03 on all; p = 0.4 for no difference between segments",
        "  gold: +0.03 (+0.01 to +0.05), 900 people",
        "looked at each day from 2026-03-01 to 2026-03-09",
    ],
)
def test_every_part_is_told(lift: Lift, line: str) -> None:
    assert line in as_text(lift)


def test_every_part_is_data(lift: Lift) -> None:
    data = json.loads(json.dumps(as_data(lift), allow_nan=False))
    assert data["comparisons"][0]["verdict"] == "better"
    assert data["on_treated"][0]["reached"] == 0.5
    assert data["triggered"][0]["diluted"] is None
    assert data["factors"][1]["levels"] == ["noon", "dry"]
    assert data["spreads"][0]["segments"][1]["segment"] == "blue"
    assert data["looks"][0] == {
        "arm": "free",
        "metric": "bought",
        "day": "2026-03-01",
        "units": 10,
        "effect": None,
        "effect_low": None,
        "effect_high": None,
    }


def test_what_is_no_number_is_null(lift: Lift) -> None:
    spread = replace(lift.spreads[0], p_value=math.nan, spread=math.inf)
    data = json.loads(json.dumps(as_data(replace(lift, spreads=(spread,))), allow_nan=False))
    assert data["spreads"][0]["p_value"] is None
    assert data["spreads"][0]["spread"] is None
