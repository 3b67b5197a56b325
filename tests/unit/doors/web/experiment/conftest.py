"""An experiment with everything that a page can show, made by hand."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from courtesy.doors.web.experiment.model import (
    Findings,
    Learned,
    Planned,
)
from courtesy.doors.web.experiment.verdict import judged
from courtesy.stages.experiments import Change, Guardrail
from courtesy.stages.lift.model import (
    LOWER,
    Arm,
    Comparison,
    FactorEffect,
    Lift,
    Look,
    Notice,
    OnTreated,
    SampleRatio,
    SegmentEffect,
    Spread,
    Triggered,
)

AT = datetime(2026, 12, 28, 8, 5, tzinfo=UTC)
TIERS = (
    ("gold", 2_904, 0.061, 0.034, 0.008, 0.060),
    ("silver", 5_120, 0.019, 0.022, 0.006, 0.038),
    ("bronze", 9_633, 0.017, 0.021, 0.008, 0.034),
    ("new", 2_401, -0.022, 0.014, -0.014, 0.042),
)


def compared(
    arm: str, metric: str, means: tuple[float, float], half: float, method: str, **more: object
) -> Comparison:
    before, after = means
    effect, lift = after - before, after / before - 1
    given: dict[str, object] = {
        "arm": arm,
        "control": "control",
        "metric": metric,
        "control_mean": before,
        "arm_mean": after,
        "effect": effect,
        "effect_low": effect - half,
        "effect_high": effect + half,
        "lift": lift,
        "lift_low": lift - half / before,
        "lift_high": lift + half / before,
        "p_value": 0.0004,
        "p_holm": 0.0016,
        "p_discovery": 0.0008,
        "control_units": 10_021,
        "arm_units": 10_037,
        "method": f"always-valid, {method}",
        "kind": method.split(",", maxsplit=1)[0],
    }
    return Comparison(**(given | more))  # type: ignore[arg-type]  # fields by name


def looks(arm: str, effect: float, half: float) -> Iterator[Look]:
    for number in range(28):
        wide = half * (28 / (number + 1)) ** 0.5
        at = effect * (1 + (-1) ** number * 0.8 / (number + 1))
        day = (date(2026, 12, 1) + timedelta(days=number)).isoformat()
        yield Look(arm, "bought", day, 700 * (number + 1), at, at - wide, at + wide)


@pytest.fixture
def lift() -> Lift:
    """Better on what counts, not sure yet about opt-outs."""
    bought = compared("free", "bought", (0.103, 0.124), 0.013, "proportion, CUPED (covariates: 1)")
    revenue = compared("free", "revenue", (12.31, 12.94), 0.9, "mean", p_value=0.11, p_holm=0.22)
    gone = compared(
        "free", "opted-out", (0.011, 0.013), 0.004, "proportion", p_value=0.4, better=LOWER
    )
    tiers = tuple(SegmentEffect(*tier) for tier in TIERS)
    return Lift(
        name="free-shipping",
        control="control",
        alpha=0.05,
        randomised=True,
        arms=(Arm("control", 10_021, 0.4996, 0.5), Arm("free", 10_037, 0.5004, 0.5)),
        sample_ratio=SampleRatio(0.91, 1.0, ok=True),
        comparisons=(bought, revenue, gone),
        associations=(),
        warnings=(Notice("late", "302 people are left out: their time is not over."),),
        on_treated=(OnTreated("free", "bought", 0.62, 0.0, 0.034, 0.013, 0.055, "Wald"),),
        triggered=(
            Triggered("free", "bought", 4_310, 0.215, 0.091, 0.03, 0.152, 0.0196, 0.006, 0.033),
        ),
        factors=(
            FactorEffect("bought", ("channel",), ("sms",), 0.012, 0.002, 0.022, 0.01, 0.03),
            FactorEffect("bought", ("content",), ("story",), 0.003, -0.007, 0.013, 0.5, 0.5),
            FactorEffect(
                "bought", ("channel", "content"), ("sms", "story"), 0.02, 0.004, 0.036, 0.008, 0.02
            ),
        ),
        spreads=(Spread("tier", "free", "bought", 0.021, 0.01, 0.21, tiers),),
        looks=tuple(looks("free", 0.021, 0.013)),
    )


@pytest.fixture
def findings(lift: Lift) -> Findings:
    """A pilot that came out well."""
    found = Findings(
        lift=lift,
        at=AT,
        primary="bought",
        state="running since Tue 1 Dec 2026",
        minimal_effect=Change(0.01),
        guardrails=(Guardrail("opted-out", Change(0.005)),),
        plan=(
            Planned("People in each arm", "9,800", "10,021 and 10,037"),
            Planned("Days", "28", "27", ok=True),
            Planned("Mean of the control", "10.1%", "10.3%"),
        ),
        decision="Everybody gets free shipping from January on.",
        hypothesis="People who pay no shipping buy more often.",
        description="Free shipping at the checkout, for everybody who has an account.",
        owner="ana@brand.example",
        learned=(Learned(AT, "Shipping costs are what stops people at the checkout."),),
    )
    return judged(found)
