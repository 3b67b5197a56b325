"""An experiment's YAML, checked: every complaint names its file, line and node."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from courtesy.ground.definitions import Document
from courtesy.ground.definitions import check as check_model
from courtesy.ground.definitions.document import Path
from courtesy.ground.rules import Condition, Did
from courtesy.stages.experiments.arms import (
    Arms,
    check_name,
    reach,
    read_arms,
    read_control,
    read_factors,
)
from courtesy.stages.experiments.fields import ExperimentFields, ObservedFields
from courtesy.stages.experiments.model import UNIVERSAL, Experiment, Observed
from courtesy.stages.experiments.plan import read_plan
from courtesy.stages.experiments.reader import Known, Reader
from courtesy.stages.experiments.traffic import ALWAYS, read_layer, read_traffic

_WAYS = ("arms", "factors", "observed")
_ASSIGNED = ("control", "traffic", "layer", "cluster", "eligible", "values", "plan")
_INLINE = ("name", "arms", "factors", "control", "then")


def check(document: Document, known: Known) -> Experiment:
    """The experiment that a document defines.

    Args:
        document: the parsed YAML of ``experiments/NAME.yaml``.
        known: the metrics, audiences and channels that exist.

    Raises:
        DefinitionError: a field is unknown, absent or wrong, or a metric, an audience or a channel
            does not exist; names the place.
    """
    fields, reader = check_model(ExperimentFields, document), Reader(document, known)
    _unreserved(reader, fields.experiment, ("experiment",))
    _one_of(reader, [way for way in _WAYS if getattr(fields, way) is not None], ())
    if fields.observed is not None:
        return _watched(reader, fields, fields.observed)
    arms = _arms(reader, fields.arms, fields.factors, ())
    traffic = read_traffic(reader, fields)
    reach(reader, arms, traffic, ("traffic",) if fields.traffic else ("arms",))
    return replace(
        _described(reader, fields, arms, read_control(reader, fields.control, arms, ("control",))),
        traffic=traffic,
        layer=read_layer(reader, fields.layer) if fields.layer else None,
        cluster=fields.cluster,
        eligible=_asked(reader, fields.eligible),
        values=_values(reader, fields.values, arms),
        pilot=read_plan(reader, fields),
    )


def check_inline(
    document: Document, path: Path, name: str, fields: Mapping[str, Any]
) -> Experiment:
    """The experiment that a ``test:`` step of a journey defines on the spot.

    Args:
        document: the journey's YAML.
        path: where the step's fields stand in it.
        name: of the experiment.
        fields: ``arms`` or ``factors``, and ``control``; ``name`` and ``then`` may stand beside
            them, which are the journey's.

    Raises:
        DefinitionError: a field is unknown or wrong; names the place.
    """
    reader = Reader(document)
    for field in fields:
        if field not in _INLINE:
            listed = ", ".join(_INLINE)
            raise reader.refusal(
                (*path, field), f"There is no field of this name. Known here: {listed}."
            )
    _unreserved(reader, check_name(reader, name, (*path, "name")), (*path, "name"))
    _one_of(reader, [way for way in _WAYS[:2] if fields.get(way) is not None], path, _WAYS[:2])
    arms = _arms(reader, fields.get("arms"), fields.get("factors"), path)
    reach(reader, arms, ALWAYS, path)
    control = read_control(reader, fields.get("control"), arms, (*path, "control"))
    return Experiment(
        name, None, None, arms.shares, control, factors=arms.factors, levels=arms.levels
    )


def _described(reader: Reader, fields: ExperimentFields, arms: Arms, control: str) -> Experiment:
    """What assigned and observed experiments have in common."""
    for index, metric in enumerate(reader.each_once(fields.metrics, ("metrics",))):
        reader.metric(metric, ("metrics", index))
    return Experiment(
        name=fields.experiment,
        owner=fields.owner,
        description=fields.description,
        arms=arms.shares,
        control=control,
        factors=arms.factors,
        levels=arms.levels,
        metrics=tuple(fields.metrics),
        segments=reader.each_once(fields.segments, ("segments",)),
        strata=fields.strata,
        treated_by=_event(reader, fields.treated_by, "treated_by"),
        trigger=_event(reader, fields.trigger, "trigger"),
    )


def _unreserved(reader: Reader, name: str, path: Path) -> None:
    if name == UNIVERSAL:
        raise reader.refusal(path, f"{UNIVERSAL} is the name of the universal holdout.")


def _one_of(reader: Reader, found: list[str], path: Path, ways: tuple[str, ...] = _WAYS) -> None:
    if len(found) != 1:
        what = " and ".join(found) or "none of them"
        raise reader.refusal(path, f"It should hold one of {', '.join(ways)}; found {what}.")


def _arms(reader: Reader, arms: object, factors: object, path: Path) -> Arms:
    if arms is not None:
        return read_arms(reader, arms, (*path, "arms"))
    return read_factors(reader, factors, (*path, "factors"))


def _event(reader: Reader, data: object, name: str) -> Did | None:
    return None if data is None else reader.event(data, (name,))


def _asked(reader: Reader, data: object) -> Condition | None:
    return None if data is None else reader.condition(data, ("if",))


def _values(reader: Reader, values: Mapping[str, Any] | None, arms: Arms) -> Mapping[str, Any]:
    if values is None:
        return {}
    for arm, value in values.items():
        reader.exist("arm", [arm], arms.shares.keys(), ("values", arm))
        if not _is_json(value):
            raise reader.refusal(
                ("values", arm), f"It should be a value that JSON has; found {value!r:.80}."
            )
    for arm in arms.shares:
        if arm not in values:
            raise reader.refusal(("values",), f"Every arm needs a value; {arm} has none.")
    return {arm: values[arm] for arm in arms.shares}


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def _watched(reader: Reader, fields: ExperimentFields, observed: ObservedFields) -> Experiment:
    """Nothing is assigned here, so the shares of the arms are made up, all alike."""
    for name in _ASSIGNED:
        if getattr(fields, name) is not None:
            shown = "if" if name == "eligible" else name
            raise reader.refusal(
                (shown,), "It has no meaning where others assigned: observed goes without it."
            )
    path: Path = ("observed",)
    if observed.control in observed.arms or not observed.arms:
        raise reader.refusal(
            (*path, "control"), "The control are those who did none of one or more other arms."
        )
    carried = observed.carry_over
    seen = Observed(
        at=reader.moment(observed.at, (*path, "at")),
        window=reader.length(observed.within, (*path, "within")),
        arms={
            check_name(reader, arm, (*path, "arms", arm)): reader.event(data, (*path, "arms", arm))
            for arm, data in observed.arms.items()
        },
        randomised=observed.randomised,
        carry_over=reader.length(carried, (*path, "carry_over")) if carried else None,
    )
    names = (observed.control, *observed.arms)
    arms = Arms(dict.fromkeys(names, 1 / len(names)))
    return replace(_described(reader, fields, arms, observed.control), observed=seen)
