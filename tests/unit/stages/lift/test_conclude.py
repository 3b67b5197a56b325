"""From sums to statements, and how they are shown."""

from dataclasses import replace

import numpy as np
import pytest

from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats import Fixed, Moments
from courtesy.stages.lift import Design, Lift, Outcome, as_data, as_text, conclude
from courtesy.stages.lift.model import LOWER, PROPORTION

UNITS = {"holdout": 1_000, "mail": 4_000}
DESIGN = Design("welcome", "holdout", UNITS, {"holdout": 0.2, "mail": 0.8}, Fixed())


def bought(holdout: int, mail: int) -> Outcome:
    hits = {"holdout": holdout, "mail": mail}
    moments = {arm: Moments.of_counts(UNITS[arm], hits[arm]) for arm in UNITS}
    return Outcome("bought", PROPORTION, moments)


def concluded(holdout: int, mail: int) -> Lift:
    return conclude(DESIGN, [bought(holdout, mail)])


@pytest.mark.parametrize(
    ("mail", "word", "said"),
    [
        (600, "better", "15.0% with mail, 10.0% with holdout: 5.0 points more (2.8 to 7.2), so it"),
        (200, "worse", "5.0% with mail, 10.0% with holdout: 5.0 points less (3.0 to 7.0), so it"),
        (
            400,
            "not_significant",
            "The data do not show a difference: it lies between -2.1 and +2.1",
        ),
    ],
)
def test_each_comparison_is_told_in_a_word_and_a_sentence(mail: int, word: str, said: str) -> None:
    lift = concluded(100, mail)
    assert as_data(lift)["comparisons"][0]["verdict"] == word
    assert said in as_text(lift)


def test_which_way_is_good_and_the_kind_go_along() -> None:
    lift = conclude(DESIGN, [replace(bought(100, 600), better=LOWER)])
    assert lift.comparisons[0].better == LOWER
    assert lift.comparisons[0].kind == PROPORTION
    assert as_data(lift)["comparisons"][0]["verdict"] == "worse"


def test_no_verdict_where_the_sample_ratio_is_broken() -> None:
    lift = conclude(replace(DESIGN, shares={"holdout": 0.3, "mail": 0.7}), [bought(100, 600)])
    assert as_data(lift)["comparisons"][0]["verdict"] == "unknown"
    text = as_text(lift)
    assert "No verdict: the arms do not have the shares" in text
    assert "helps" not in text


def test_shares_are_told_beside_those_expected() -> None:
    text = as_text(concluded(100, 400))
    assert "holdout: 1,000 units (20.0%, expected 20.0%)" in text
    assert "sample ratio as expected" in text


def test_few_outcomes_are_named() -> None:
    names = [notice.name for notice in concluded(4, 400).warnings]
    assert names == ["few_outcomes"]


def test_few_outcomes_are_counted_in_people_where_clusters_were_assigned() -> None:
    moments = {}
    for arm, hits in (("holdout", 4), ("mail", 500)):
        size, did = np.full(UNITS[arm], 3.0), np.zeros(UNITS[arm])
        did[:hits] = 2
        moments[arm] = Moments.of(np.column_stack([did, size]))
    outcome = Outcome("bought", PROPORTION, moments, ((0, 1),), clustered=True)
    (notice,) = conclude(DESIGN, [outcome]).warnings
    assert notice.detail.endswith(": bought in holdout (8 of 3000).")


def test_what_is_true_of_many_metrics_and_arms_is_said_once() -> None:
    metrics = [f"metric {number}" for number in range(20)]
    moments = {arm: Moments.of_counts(30, 2) for arm in "abcd"}
    design = Design("it", "a", dict.fromkeys("abcd", 30), None)
    lift = conclude(design, [Outcome(name, PROPORTION, moments) for name in metrics])
    rough, *others = lift.warnings
    assert len(others) == len({notice.name for notice in others})
    assert rough.name == "few_outcomes"
    assert all(f"{name} in a (2 of 30), b (2 of 30), c" in rough.detail for name in metrics)
    assert as_text(lift).count("! few_outcomes") == 1
    (told,) = [one for one in as_data(lift)["warnings"] if one.startswith("few_outcomes: ")]
    assert told.endswith("metric 19 in a (2 of 30), b (2 of 30), c (2 of 30), d (2 of 30).")


def test_arms_without_anybody_are_named_together() -> None:
    design = replace(DESIGN, units={**UNITS, "sms": 0, "letter": 0}, shares=None)
    (notice,) = [n for n in conclude(design, []).warnings if n.name == "empty_arm"]
    assert notice.detail == "Arms without anybody are not compared: sms, letter."


def test_no_outcome_in_the_control_leaves_no_lift_and_says_so() -> None:
    lift = concluded(0, 400)
    assert lift.comparisons[0].lift is None
    assert {"no_lift", "few_outcomes"} <= {notice.name for notice in lift.warnings}
    assert "lift unknown" in as_text(lift)


def test_a_control_near_zero_leaves_a_lift_without_bounds() -> None:
    lift = concluded(1, 400)
    assert lift.comparisons[0].lift is not None
    assert lift.comparisons[0].lift_high is None
    assert "unbounded_lift" in {notice.name for notice in lift.warnings}


def test_nothing_of_a_design_without_chance_is_an_effect() -> None:
    lift = conclude(replace(DESIGN, randomised=False), [bought(100, 600)])
    data = as_data(lift)
    assert data["comparisons"] == []
    assert data["sample_ratio"] is None
    assert data["associations"][0]["metric"] == "bought"
    assert "association +0.05" in as_text(lift)


def test_data_is_plain() -> None:
    data = as_data(concluded(100, 600))
    assert isinstance(data["arms"], list)
    assert data["warnings"] == []
    assert data["comparisons"][0]["effect"] == pytest.approx(0.05)


def test_nobody_beside_the_control_is_an_error() -> None:
    with pytest.raises(DataError, match="no arm with people beside"):
        conclude(replace(DESIGN, units={"holdout": 5, "mail": 0}), [])
    with pytest.raises(DataError, match="Nobody is in the control"):
        conclude(replace(DESIGN, units={"holdout": 0, "mail": 5}), [])


def test_an_outcome_that_an_arm_lacks_is_unknown() -> None:
    outcome = bought(100, 600)
    nobody = Moments.of(np.empty((0, 1)))
    lift = conclude(DESIGN, [replace(outcome, moments={**outcome.moments, "mail": nobody})])
    assert lift.comparisons[0].effect is None
    assert {"no_effect", "too_few"} <= {notice.name for notice in lift.warnings}
