"""The one sentence that everybody reads."""

from collections.abc import Collection
from dataclasses import replace

from courtesy.doors.web.experiment.model import UNJUDGED, Findings, Guard, Tone, Verdict
from courtesy.doors.web.experiment.panels import interval
from courtesy.doors.web.figures import p_value, signed_percent
from courtesy.stages.lift.limits import BROKEN, futile
from courtesy.stages.lift.model import HIGHER, Comparison
from courtesy.stages.lift.verdict import BETTER, UNKNOWN, WORSE


def judged(findings: Findings) -> Findings:
    """The same with the verdict that its figures give, or that its plan gives while it runs."""
    return replace(findings, verdict=_verdict(findings))


def _verdict(findings: Findings) -> Verdict:
    ratio, advice = findings.lift.sample_ratio, findings.advice
    broken = [guard for guard in findings.guards if guard.state == BROKEN]
    if not findings.lift.randomised:
        return _association(findings)
    if ratio is not None and not ratio.ok:
        return Verdict(
            Tone.STOP,
            "Do not use this result: the split is broken.",
            "Chance would hardly make arms of these sizes "
            f"(p = {p_value(ratio.p_value)}). Find out why first.",
        )
    best = _best(findings, {guard.comparison.arm for guard in broken})
    if best is not None:
        sentence = f"{best.arm} is better than {findings.lift.control}."
        return Verdict(Tone.BETTER, sentence, _gained(findings, best))
    if broken:
        return _harmed(findings, broken[0])
    if advice is not None and advice.outcome == UNKNOWN:
        return replace(UNJUDGED, reason=advice.sentence)
    return _undecided(findings)


def _association(findings: Findings) -> Verdict:
    told = [_levels(findings, one) for one in findings.deciding[:1]]
    reason = " ".join([*told, "The groups may have differed before."])
    return Verdict(Tone.ASSOCIATION, "Association only: not assigned by chance.", reason)


def _harmed(findings: Findings, guard: Guard) -> Verdict:
    one, unit = guard.comparison, findings.unit(guard.comparison.metric)
    found = interval(unit, one.effect, one.effect_low, one.effect_high)
    return Verdict(
        Tone.STOP,
        f"Stop: {one.arm} does harm to {one.metric}.",
        f"{one.metric}: {found}, beyond the limit of {unit.named(guard.limit)}.",
    )


def _best(findings: Findings, harmful: Collection[str]) -> Comparison | None:
    """The arm that helps most and harms nothing."""
    outcomes = findings.outcomes
    good = [one for one in findings.deciding if outcomes[one.arm] == BETTER]
    return max((one for one in good if one.arm not in harmful), key=_gain, default=None)


def _undecided(findings: Findings) -> Verdict:
    """Where nothing helps: the worst arm, else that nothing is shown."""
    outcomes, control = findings.outcomes, findings.lift.control
    ranked = sorted(findings.deciding, key=_gain)
    known = [one for one in ranked if outcomes[one.arm] != UNKNOWN]
    worse = [one for one in known if outcomes[one.arm] == WORSE]
    if not known:
        why = next((one.no_interval for one in ranked if one.no_interval), "")
        return replace(UNJUDGED, reason=f"{findings.primary}: {why}." if why else "")
    if worse:
        sentence = f"{worse[0].arm} is worse than {control}."
        return Verdict(Tone.WORSE, sentence, _levels(findings, worse[0]))
    sentence = f"No difference shown between {known[0].arm} and {control}."
    if len(known) > 1:
        sentence = f"No arm is shown to differ from {control}."
    return Verdict(Tone.NOT_SIGNIFICANT, sentence, _missed(findings, known[-1]))


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
    least = best.effect_low if best.better == HIGHER else best.effect_high
    if findings.worthwhile is None or least is None:
        return _levels(findings, best)
    enough = abs(least) >= abs(findings.worthwhile)
    part = "All of the interval is" if enough else "Only a part of the interval is"
    return f"{_levels(findings, best)} {part} worth having."


def _missed(findings: Findings, best: Comparison) -> str:
    if findings.minimal_effect is None or findings.worthwhile is None:
        return _levels(findings, best)
    least = findings.unit(best.metric).named(findings.worthwhile)
    word = "is ruled out" if futile(best, findings.minimal_effect) else "may still be there"
    return f"{_levels(findings, best)} An effect worth having ({least}) {word}."
