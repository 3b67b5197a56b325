"""What a comparison comes down to."""

from dataclasses import replace

import pytest

from courtesy.stages.lift import Comparison, association, decided, sentence, verdict
from courtesy.stages.lift.model import LOWER, PROPORTION

ALPHA = 0.05
BOUGHT = Comparison(
    arm="free",
    control="control",
    metric="bought",
    control_mean=0.116,
    arm_mean=0.124,
    effect=0.008,
    effect_low=0.002,
    effect_high=0.014,
    lift=0.069,
    lift_low=0.017,
    lift_high=0.12,
    p_value=0.01,
    p_holm=0.01,
    p_discovery=0.01,
    control_units=10_000,
    arm_units=10_000,
    method="always-valid, proportion",
    kind=PROPORTION,
)
WORSE = replace(BOUGHT, arm_mean=0.108, effect=-0.008, effect_low=-0.014, effect_high=-0.002)
SAME = replace(BOUGHT, effect=0.001, effect_low=-0.003, effect_high=0.005, p_value=0.6, p_holm=0.6)
UNKNOWN = replace(BOUGHT, effect_low=None, effect_high=None, p_value=None, p_holm=None)


@pytest.mark.parametrize(
    ("comparison", "word"),
    [
        (BOUGHT, "better"),
        (WORSE, "worse"),
        (replace(BOUGHT, better=LOWER), "worse"),
        (replace(WORSE, better=LOWER), "better"),
        (SAME, "not_significant"),
        (replace(BOUGHT, p_holm=0.07), "not_significant"),
        (UNKNOWN, "unknown"),
        (replace(BOUGHT, effect=None), "unknown"),
    ],
)
def test_the_word(comparison: Comparison, word: str) -> None:
    assert verdict(comparison, ALPHA) == word


def test_without_a_p_value_the_interval_decides() -> None:
    quantile = replace(BOUGHT, p_value=None, p_holm=None)
    assert verdict(quantile, ALPHA) == "better"
    assert verdict(replace(quantile, effect_low=-0.001), ALPHA) == "not_significant"


def test_better() -> None:
    assert sentence(BOUGHT, ALPHA) == (
        "bought: 12.4% with free, 11.6% with control: 0.8 points more (0.2 to 1.4), so it helps."
    )


def test_worse_in_a_metric_that_should_be_low() -> None:
    opted_out = replace(BOUGHT, metric="opted-out", better=LOWER)
    assert sentence(opted_out, ALPHA).endswith("0.8 points more (0.2 to 1.4), so it harms.")
    assert sentence(WORSE, ALPHA).endswith("0.8 points less (0.2 to 1.4), so it harms.")


def test_not_significant_keeps_the_mix_and_says_so() -> None:
    assert sentence(SAME, ALPHA) == (
        "bought: 12.40% with free, 11.60% with control. The data do not show a difference: it lies "
        "between -0.30 and +0.50 points. The mix stays as it is."
    )


def test_an_interval_that_only_chance_among_many_explains_is_not_called_an_effect() -> None:
    said = sentence(replace(BOUGHT, p_holm=0.2), ALPHA)
    assert "between +0.2 and +1.4 points, but among so many comparisons" in said
    assert said.endswith("The mix stays as it is.")
    assert "helps" not in said


def test_too_little_is_said_to_be_too_little() -> None:
    assert sentence(UNKNOWN, ALPHA) == "bought: too little is known of free to say anything."
    assert association(UNKNOWN) == sentence(UNKNOWN, ALPHA)


def test_amounts_have_the_digits_that_their_interval_is_worth() -> None:
    spent = replace(
        BOUGHT,
        kind="mean",
        metric="revenue",
        control_mean=12_345.678,
        arm_mean=12_445.678,
        effect=100.0,
        effect_low=20.0,
        effect_high=180.0,
    )
    assert sentence(spent, ALPHA) == (
        "revenue: 12,446 with free, 12,346 with control: 100 more (20 to 180), so it helps."
    )
    rough = replace(spent, arm_mean=4.5, control_mean=1.5, effect=3.0, effect_low=-127.0)
    assert "revenue: 4.5 with free, 1.5 with control" in sentence(rough, ALPHA)
    tiny = replace(spent, effect=1e-7, effect_low=0.5e-7, effect_high=1.5e-7, arm_mean=2e-7)
    assert "0.00000010 more (0.00000005 to 0.00000015)" in sentence(tiny, ALPHA)


def test_groups_that_chance_did_not_make_are_told_apart_and_nothing_more() -> None:
    said = association(BOUGHT)
    assert "0.8 points more (0.2 to 1.4). Chance did not choose" in said
    assert "helps" not in said


def test_a_metric_is_decided_on_by_itself_over_its_arms() -> None:
    rows = [
        replace(BOUGHT, arm="free", p_value=0.01, p_holm=0.2),
        replace(BOUGHT, arm="half", p_value=0.03, p_holm=0.5),
        replace(BOUGHT, metric="revenue", p_value=0.001, p_holm=0.004),
    ]
    found = decided(rows, "bought")
    assert [one.arm for one in found] == ["free", "half"]
    assert [one.p_holm for one in found] == pytest.approx([0.02, 0.03])
    assert decided(rows, "visits") == ()
