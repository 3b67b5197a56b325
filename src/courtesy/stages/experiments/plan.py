"""A pilot's plan, as it is written before the start."""

from courtesy.stages.experiments.fields import ExperimentFields, PlanFields
from courtesy.stages.experiments.model import Guardrail, Pilot
from courtesy.stages.experiments.reader import Reader

_HERE = "plan"


def read_plan(reader: Reader, fields: ExperimentFields) -> Pilot | None:
    """The plan of an experiment; None where it has none.

    Raises:
        DefinitionError: a field is wrong, a metric does not exist or nobody owns the pilot.
    """
    plan = fields.plan
    if plan is None:
        return None
    if fields.owner is None:
        raise reader.refusal((_HERE,), "A pilot has an owner, who decides at its end.")
    return Pilot(
        hypothesis=plan.hypothesis.strip(),
        primary=reader.metric(plan.primary, (_HERE, "primary")),
        minimal_effect=reader.change(plan.minimal_effect, (_HERE, "minimal_effect")),
        decisions=plan.decisions.model_dump(),
        longest=reader.length(plan.longest, (_HERE, "longest")),
        guardrails=_guardrails(reader, plan),
        power=reader.chance(plan.power, (_HERE, "power")),
        alpha=reader.chance(plan.alpha, (_HERE, "alpha")),
        history=reader.length(plan.history, (_HERE, "history")) if plan.history else None,
        stops=frozenset(plan.stops),
    )


def _guardrails(reader: Reader, plan: PlanFields) -> tuple[Guardrail, ...]:
    found: list[Guardrail] = []
    for index, guardrail in enumerate(plan.guardrails):
        path = (_HERE, "guardrails", index)
        metric = reader.metric(guardrail.metric, (*path, "metric"))
        if metric in [other.metric for other in found]:
            raise reader.refusal((*path, "metric"), f"{metric} is said twice.")
        harm = reader.change(guardrail.harm, (*path, "harm"))
        if harm.size < 0:
            raise reader.refusal((*path, "harm"), "Harm is how much worse it may get: above zero.")
        found.append(Guardrail(metric, harm))
    return tuple(found)
