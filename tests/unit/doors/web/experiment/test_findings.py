from dataclasses import replace

import pytest

from courtesy.doors.web.experiment import panels
from courtesy.doors.web.experiment.model import Findings, quality
from courtesy.stages.experiments import Change, Guardrail
from courtesy.stages.lift.model import HIGHER, LOWER, Lift


def changed(findings: Findings, number: int, **fields: object) -> Findings:
    """The same with other figures of one comparison."""
    of_all = list(findings.lift.comparisons)
    of_all[number] = replace(of_all[number], **fields)  # type: ignore[arg-type]  # by name
    return replace(findings, lift=replace(findings.lift, comparisons=tuple(of_all)))


@pytest.mark.parametrize(
    ("low", "high", "better", "said"),
    [
        (0.1, 0.2, HIGHER, "better"),
        (0.1, 0.2, LOWER, "worse"),
        (-0.2, -0.1, HIGHER, "worse"),
        (-0.2, -0.1, LOWER, "better"),
        (-0.1, 0.1, HIGHER, "unsure"),
        (0.0, 0.1, HIGHER, "unsure"),
        (None, None, HIGHER, "unsure"),
    ],
)
def test_what_is_good_depends_on_the_metric(
    low: float | None, high: float | None, better: str, said: str
) -> None:
    assert quality(low, high, better) == said


@pytest.mark.parametrize(
    ("ends", "better", "state"),
    [
        ((-0.002, 0.004), LOWER, "held"),
        ((-0.002, 0.006), LOWER, "open"),
        ((0.0051, 0.009), LOWER, "broken"),
        ((-0.004, 0.002), HIGHER, "held"),
        ((-0.009, -0.0051), HIGHER, "broken"),
        ((-0.009, 0.2), HIGHER, "open"),
        ((None, None), HIGHER, "open"),
    ],
)
def test_a_guardrail_holds_only_where_harm_is_ruled_out(
    findings: Findings, ends: tuple[float | None, float | None], better: str, state: str
) -> None:
    low, high = ends
    known = changed(findings, 2, effect_low=low, effect_high=high, better=better)
    [guard] = known.guards
    assert guard.state == state
    assert guard.limit == (0.005 if better == LOWER else -0.005)


def test_the_smallest_effect_worth_having_points_to_the_good_side(findings: Findings) -> None:
    assert findings.worthwhile == 0.01
    assert changed(findings, 0, better=LOWER).worthwhile == -0.01
    assert replace(findings, minimal_effect=None).worthwhile is None


def test_changes_relative_to_the_control_are_shown_in_the_metrics_unit(findings: Findings) -> None:
    relative = Change(0.1, relative=True)
    found = replace(
        findings, minimal_effect=relative, guardrails=(Guardrail("opted-out", relative),)
    )
    assert found.worthwhile == pytest.approx(0.0103)
    [guard] = found.guards
    assert guard.limit == pytest.approx(0.0011)
    [unknown] = changed(found, 2, control_mean=None).guards
    assert unknown.limit is None
    assert changed(found, 0, control_mean=None).worthwhile is None


def arms(findings: Findings, *p_values: float | None) -> Findings:
    first = findings.lift.comparisons[0]
    several = tuple(
        replace(first, arm=f"arm {number}", p_value=p_value)
        for number, p_value in enumerate(p_values, start=1)
    )
    return replace(findings, lift=replace(findings.lift, comparisons=several))


def test_the_best_of_several_arms_has_to_be_surer(findings: Findings) -> None:
    assert arms(findings, 0.03).outcomes == {"arm 1": "better"}
    assert set(arms(findings, 0.03, 0.9, 0.8).outcomes.values()) == {"not_significant"}
    assert arms(findings, 0.01, 0.9).outcomes == {"arm 1": "better", "arm 2": "not_significant"}


def test_an_arm_has_a_colour_only_where_it_is_sure(findings: Findings) -> None:
    alone, several = arms(findings, 0.03), arms(findings, 0.03, 0.9, 0.8)
    assert [line.row.kind for line in panels.primary(alone).lines] == ["better"]
    assert {line.row.kind for line in panels.primary(several).lines} == {"unsure"}


def test_numbers_of_shares_are_points_and_others_are_not(findings: Findings) -> None:
    bought, revenue, gone = (findings.unit(name) for name in ("bought", "revenue", "opted-out"))
    assert (bought.named(0.021), revenue.named(0.63)) == ("+2.1 points", "+0.6")
    assert gone.named(0.002) == "+0.20 points"


def test_segments_stand_in_order_with_their_own_effect_and_that_of_all(findings: Findings) -> None:
    [spread] = findings.lift.spreads
    lines = panels.segments(findings, spread).lines
    assert [line.name for line in lines] == ["gold", "silver", "bronze", "new"]
    assert [line.row.kind for line in lines] == ["better", "better", "better", "unsure"]
    assert lines[0].row.faint == 0.061
    assert {line.row.marks for line in lines} == {(("overall", 0.021),)}


def test_synergy_is_told_apart_from_what_a_factor_does_alone(findings: Findings) -> None:
    lines = panels.factors(findings).lines
    assert [line.name for line in lines] == [
        "channel: sms",
        "content: story",
        "channel: sms × content: story",  # noqa: RUF001 - times
    ]
    assert ["beyond the sum" in line.note for line in lines] == [False, False, True]


def test_segments_and_factors_are_those_of_the_metric_that_decides(findings: Findings) -> None:
    other = replace(findings, primary="revenue")
    assert other.spreads == ()
    assert panels.factors(other).lines == []


def test_a_course_has_two_days_or_is_none(findings: Findings) -> None:
    def with_looks(number: int) -> Lift:
        return replace(findings.lift, looks=findings.lift.looks[:number])

    assert replace(findings, lift=with_looks(1)).courses == {}
    assert len(replace(findings, lift=with_looks(2)).courses["free"]) == 2
    assert replace(findings, primary="revenue").courses == {}


def test_a_line_says_levels_only_where_several_arms_need_it(findings: Findings) -> None:
    [line] = panels.primary(findings).lines
    assert (line.value, line.ends, line.note) == ("+2.1 points", "(+0.8 to +3.4)", "")
    [first, _] = panels.primary(arms(findings, 0.01, 0.02)).lines
    assert first.note == "12.4% instead of 10.3%, +20%"


def test_ends_that_nobody_knows_are_left_out(findings: Findings) -> None:
    [line] = panels.primary(changed(findings, 0, effect_low=None, effect_high=None)).lines
    assert (line.value, line.ends, line.row.kind) == ("+2.10 points", "", "unsure")
