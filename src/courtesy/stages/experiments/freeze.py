"""What must not change while an experiment runs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from courtesy.ground.primitives.ids import digest
from courtesy.stages.experiments.assign import share_at
from courtesy.stages.experiments.model import Experiment, Ramp

_FREE = frozenset({"traffic", "description", "metrics", "segments", "owner"})
_NOTHING: tuple[object, ...] = (None, (), {}, frozenset())
_EVER = datetime.min.replace(tzinfo=UTC)
_WRITTEN = {"name": "experiment", "eligible": "if", "pilot": "plan"}


def frozen(experiment: Experiment) -> str:
    """A digest of everything but traffic, description, metrics, segments and owner.

    Equal definitions have equal digests on every machine and in every run.
    """
    return digest(*(part for pair in _held(experiment).items() for part in pair))


def changed(old: Experiment, new: Experiment) -> list[str]:
    """The fields, as they are written in YAML, that differ and must not.

    Raising traffic is allowed, as it moves nobody; lowering it at any time is named.
    """
    before, after = _held(old), _held(new)
    names = sorted(name for name in before | after if before.get(name) != after.get(name))
    named = [_WRITTEN.get(name, name) for name in names]
    return [*named, "traffic"] if _lowered(old.traffic, new.traffic) else named


def _held(experiment: Experiment) -> dict[str, str]:
    """The frozen fields as JSON text, which tells 1 from true."""
    return {name: json.dumps(told) for name, told in _told(experiment) if name not in _FREE}


def _told(value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any of the stage's nouns
    """What is said, and not what is left out: a field that comes to be later changes nothing."""
    for field in fields(value):
        told = getattr(value, field.name)
        if told not in _NOTHING:
            yield field.name, _plain(told)


def _plain(value: object) -> Any:  # noqa: ANN401 - JSON
    """JSON that tells apart what differs: the order of arms counts, that of a set does not."""
    if is_dataclass(value):
        return [type(value).__name__, *_told(value)]
    if isinstance(value, Mapping):
        return [[key, _plain(item)] for key, item in value.items()]
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, frozenset):
        return sorted(map(str, value))
    if isinstance(value, datetime):
        return value.isoformat()
    return value.total_seconds() if isinstance(value, timedelta) else value


def _lowered(old: Sequence[Ramp], new: Sequence[Ramp]) -> bool:
    """Whether the share is smaller than it was at any time; it changes only where a step begins."""
    moments = [_EVER, *(ramp.since for ramp in (*old, *new) if ramp.since is not None)]
    return any(share_at(new, moment) < share_at(old, moment) for moment in moments)
