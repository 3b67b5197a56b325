"""The one sentence that everybody reads."""

from collections.abc import Sequence
from dataclasses import replace

from courtesy.doors.web.experiment.model import UNJUDGED, Findings, Guard, Tone, Verdict
from courtesy.doors.web.experiment.panels import interval
from courtesy.doors.web.figures import p_value, signed_percent
from courtesy.stages.lift.model import HIGHER, Comparison


def judged(findings: Findings) -> Findings:
    """The same with the verdict that its figures give."""
    return replace(findings, verdict=_verdict(findings))


def _verdict(findings: Findings) -> Verdict:
    ratio = findings.lift.sample_ratio
    broken = [guard for guard in findings.guards if guard.state == "broken"]
    known = [one for one in findings.deciding if one.p_value is not None]
    if not findings.lift.randomised:
        return _association(findings)
    if ratio is not None and not ratio.ok:
        return Verdict(
            Tone.STOP,
            "Do not use this result: the split is broken.",
            "Chance would hardly make arms of these sizes "
            f"(p = {p_value(ratio.p_value)}). Find out why first.",
        )
    if broken:
        return _harmed(findings, broken[0])
    return _decided(findings, known) if known else UNJUDGED


def _association(findings: Findings) -> Verdict:
    sentence = "Association only: not assigned by chance."
    told = [_levels(findings, one) for one in findings.deciding[:1]]
    return Verdict(
        Tone.ASSOCIATION, sentence, " ".join([*told, "The groups may have differed before."])
    )


def _harmed(findings: Findings, guard: Guard) -> Verdict:
    one, unit = guard.comparison, findings.unit(guard.comparison.metric)
    found = interval(unit, one.effect, one.effect_low, one.effect_high)
    return Verdict(
        Tone.STOP,
        f"Stop: {one.arm} does harm to {one.metric}.",
        f"{one.metric}: {found}, beyond the limit of {unit.named(guard.limit)}.",
    )


def _decided(findings: Findings, known: Sequence[Comparison]) -> Verdict:
    sure = [one for one in known if one.arm in findings.sure_arms]
    good = [one for one in sure if _gain(one) > 0]
    control = findings.lift.control
    if good:
        best = max(good, key=_gain)
        return Verdict(
            Tone.BETTER, f"{best.arm} is better than {control}.", _gained(findings, best)
        )
    if sure:
        worst = min(sure, key=_gain)
        return Verdict(
            Tone.WORSE, f"{worst.arm} is worse than {control}.", _levels(findings, worst)
        )
    sentence = f"No difference shown between {known[0].arm} and {control}."
    if len(known) > 1:
        sentence = f"No arm is shown to differ from {control}."
    reason = _missed(findings, max(known, key=_gain))
    return Verdict(Tone.NOT_SIGNIFICANT, sentence, reason)


def _gain(one: Comparison) -> float:
    effect = one.effect or 0.0
    return effect if one.better == HIGHER else -effect


def _levels(findings: Findings, one: Comparison) -> str:
    unit = findings.unit(one.metric)
    lift = f", {signed_percent(one.lift)}" if one.lift is not None else ""
    return (
        f"{one.metric}: {unit.level(one.arm_mean)} instead of {unit.level(one.control_mean)}{lift}."
    )


def _gained(findings: Findings, best: Comparison) -> str:
    if findings.worthwhile is None:
        return _levels(findings, best)
    least = _least(best)
    enough = least is not None and least >= abs(findings.worthwhile)
    part = "All of the interval is" if enough else "Only a part of the interval is"
    return f"{_levels(findings, best)} {part} worth having."


def _missed(findings: Findings, best: Comparison) -> str:
    most, worthwhile = _most(best), findings.worthwhile
    if worthwhile is None or most is None:
        return _levels(findings, best)
    least = findings.unit(best.metric).named(worthwhile)
    word = "is ruled out" if most < abs(worthwhile) else "may still be there"
    return f"{_levels(findings, best)} An effect worth having ({least}) {word}."


def _least(one: Comparison) -> float | None:
    """The end of the interval that is less good, with what is good above zero."""
    if one.better == HIGHER:
        return one.effect_low
    return None if one.effect_high is None else -one.effect_high


def _most(one: Comparison) -> float | None:
    if one.better == HIGHER:
        return one.effect_high
    return None if one.effect_low is None else -one.effect_low
