from collections.abc import Mapping
from dataclasses import replace

import pytest

from courtesy.doors.web.experiment.model import Findings, Tone, Verdict
from courtesy.doors.web.experiment.verdict import judged
from courtesy.stages.experiments import Change
from courtesy.stages.lift.model import LOWER, Advice, SampleRatio


def verdict(findings: Findings, *, primary: Mapping[str, object] | None = None) -> Verdict:
    first, *others = findings.lift.comparisons
    first = replace(first, **(primary or {}))  # type: ignore[arg-type]  # by name
    lift = replace(findings.lift, comparisons=(first, *others))
    return judged(replace(findings, lift=lift)).verdict


def test_better_says_by_how_much_and_whether_it_is_worth_it(findings: Findings) -> None:
    said = verdict(findings)
    assert (said.tone, said.sentence) == (Tone.BETTER, "free is better than control.")
    assert said.reason == (
        "bought: 12.4% instead of 10.3%, +20%. Only a part of the interval is worth having."
    )
    sure = verdict(replace(findings, minimal_effect=Change(0.005)))
    assert sure.reason.endswith("All of the interval is worth having.")


def test_more_is_worse_where_less_is_better(findings: Findings) -> None:
    said = verdict(findings, primary={"better": LOWER})
    assert (said.tone, said.sentence) == (Tone.WORSE, "free is worse than control.")


@pytest.mark.parametrize(("high", "word"), [(0.009, "is ruled out"), (0.034, "may still be there")])
def test_not_significant_says_whether_the_effect_can_still_be_there(
    findings: Findings, high: float, word: str
) -> None:
    said = verdict(findings, primary={"p_value": 0.3, "effect_low": -0.01, "effect_high": high})
    assert said.tone == Tone.NOT_SIGNIFICANT
    assert said.sentence == "No difference shown between free and control."
    assert said.reason.endswith(f"points) {word}.")


def test_a_broken_split_comes_before_everything(findings: Findings) -> None:
    ratio = SampleRatio(0.0001, 0.001, ok=False)
    said = verdict(replace(findings, lift=replace(findings.lift, sample_ratio=ratio)))
    assert (said.tone, said.sentence) == (
        Tone.STOP,
        "Do not use this result: the split is broken.",
    )


def test_harm_on_a_guardrail_comes_before_a_gain(findings: Findings) -> None:
    *others, gone = findings.lift.comparisons
    harmed = replace(gone, effect=0.02, effect_low=0.016, effect_high=0.024)
    lift = replace(findings.lift, comparisons=(*others, harmed))
    said = judged(replace(findings, lift=lift)).verdict
    assert (said.tone, said.sentence) == (Tone.STOP, "Stop: free does harm to opted-out.")
    assert "beyond the limit of +0.50 points" in said.reason


def test_without_chance_there_is_an_association_and_nothing_else(findings: Findings) -> None:
    lift = replace(findings.lift, randomised=False, comparisons=())
    said = judged(replace(findings, lift=replace(lift, associations=findings.shown))).verdict
    assert said.tone == Tone.ASSOCIATION
    assert "12.4% instead of 10.3%" in said.reason
    assert "better" not in said.sentence + said.reason


def test_before_there_is_anything_it_is_too_early(findings: Findings) -> None:
    said = verdict(findings, primary={"effect_low": None})
    assert (said.tone, said.sentence) == (Tone.EARLY, "Too early to tell.")


def test_while_a_pilot_runs_its_plan_says_what_is_too_early(findings: Findings) -> None:
    advice = Advice("unknown", "Nothing is shown yet: 5 of 9 are there.", False, "running")  # noqa: FBT003 - fields in order
    unsure = {"p_value": 0.3, "effect_low": -0.01}
    said = verdict(replace(findings, advice=advice), primary=unsure)
    assert (said.tone, said.reason) == (Tone.EARLY, advice.sentence)


def test_an_arm_without_harm_is_better_than_a_harmful_one(findings: Findings) -> None:
    bought, revenue, gone = findings.lift.comparisons
    harmed = replace(gone, effect=0.02, effect_low=0.016, effect_high=0.024)
    other = replace(bought, arm="half", effect=0.015, effect_low=0.005, effect_high=0.025)
    lift = replace(findings.lift, comparisons=(bought, other, revenue, harmed))
    assert judged(replace(findings, lift=lift)).verdict.sentence == "half is better than control."


def test_of_several_arms_the_best_is_named(findings: Findings) -> None:
    first = findings.lift.comparisons[0]
    better = replace(first, arm="free+gift", effect=0.05, effect_low=0.03, effect_high=0.07)
    none = replace(first, arm="gift", p_value=0.7)
    lift = replace(findings.lift, comparisons=(first, better, none))
    assert judged(replace(findings, lift=lift)).verdict.sentence.startswith("free+gift is better")
    lift = replace(findings.lift, comparisons=(none, replace(none, arm="other")))
    said = judged(replace(findings, lift=lift)).verdict
    assert said.sentence == "No arm is shown to differ from control."
