"""All experiments of a home: where each acts, where it stands, and whom it has."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import msgspec

from courtesy import workspace
from courtesy.app import App
from courtesy.flow.holdouts import cluster
from courtesy.flow.pilots.beside import plan_beside_fact
from courtesy.flow.pilots.coming import journeys_of
from courtesy.flow.pilots.life import frozen_plan
from courtesy.flow.pilots.sizing import defined
from courtesy.stages.experiments import (
    HOLDOUT,
    TREATED,
    UNIVERSAL,
    Experiment,
    Standing,
    share_at,
)
from courtesy.stages.experiments import store as experiments_store
from courtesy.workspace import Workspace

DRAFT = "draft"
RUNNING = "running"
STOPPED = "stopped"
RETIRED = "retired"
OBSERVED = "observed"


@dataclass(frozen=True)
class Listed:
    """One experiment.

    ``acts``: where: ``journey NAME``, ``flag``, ``holdout``, ``observed`` or ``nowhere``. ``arms``:
    their shares (0 to 1); empty where others assigned. ``state``: ``draft`` (its start is awaited),
    ``running``, ``stopped``, ``observed`` or ``retired`` (it left the folder; only people on their
    way may still meet it). ``people``: exposed so far, by arm.
    """

    experiment: str
    owner: str | None
    acts: str
    arms: Mapping[str, float]
    state: str
    people: Mapping[str, int]


def listed(app: App) -> list[Listed]:
    """The experiments and holdouts in force, each kind by name."""
    with app.ledger.read() as transaction:
        definitions = workspace.in_force(transaction)
        standings = experiments_store.standings(transaction)
        people = experiments_store.counts(transaction)
    return [*_tried(definitions, standings, people), *_holdouts(definitions, people)]


def shown(app: App, name: str) -> dict[str, Any]:
    """Everything about one experiment as plain data: its definition, its standing, its plan.

    ``plan`` is the frozen one, or before the start what is written, without figures; None where it
    has none. ``beside`` holds the rows of ``plan_beside_fact`` once it was started.

    Raises:
        NotFoundError: there is no such experiment.
    """
    with app.ledger.read() as transaction:
        definitions = workspace.in_force(transaction)
        one = defined(definitions, name)
        standing = experiments_store.standings(transaction).get(name)
        people = experiments_store.counts(transaction).get(name, {})
    return {
        "experiment": name,
        "owner": one.owner,
        "description": one.description,
        "acts": acts(definitions, one),
        "state": state(definitions, one, standing),
        "arms": {} if one.observed else dict(one.arms),
        "control": one.control,
        "traffic": share_at(one.traffic, app.clock.now()),
        "layer": asdict(one.layer) if one.layer else None,
        "cluster": cluster(definitions, one),
        "metrics": list(one.metrics),
        "people": people,
        "started_at": standing and standing.started_at,
        "stopped_at": standing and standing.stopped_at,
        "kept": standing and standing.kept,
        "verdict": standing and standing.verdict,
        "plan": _plan(one, standing, app.clock.now()),
        "beside": plan_beside_fact(app, name) if standing else [],
    }


def _plan(
    experiment: Experiment, standing: Standing | None, now: datetime
) -> dict[str, Any] | None:
    if standing is not None:
        return dict(msgspec.json.decode(standing.plan))
    return frozen_plan(experiment, None, None, now) if experiment.pilot else None


def acts(definitions: Workspace, experiment: Experiment) -> str:
    """Where an experiment acts."""
    if experiment.observed:
        return OBSERVED
    journeys = journeys_of(definitions, experiment.name)
    if journeys:
        return f"journey {', '.join(one.name for one in journeys)}"
    return "nowhere" if experiment.name in definitions.retired else "flag"


def state(definitions: Workspace, experiment: Experiment, standing: Standing | None) -> str:
    """Where an experiment stands."""
    if experiment.name in definitions.retired:
        return RETIRED
    if experiment.observed:
        return OBSERVED
    if standing is None:
        return DRAFT if experiment.pilot else RUNNING
    return STOPPED if standing.stopped_at else RUNNING


def _tried(
    definitions: Workspace,
    standings: Mapping[str, Standing],
    people: Mapping[str, Mapping[str, int]],
) -> Iterator[Listed]:
    for name, one in sorted(definitions.experiments.items()):
        where = acts(definitions, one)
        stands = state(definitions, one, standings.get(name))
        arms = {} if one.observed else one.arms
        yield Listed(name, one.owner, where, arms, stands, people.get(name, {}))


def _holdouts(definitions: Workspace, people: Mapping[str, Mapping[str, int]]) -> Iterator[Listed]:
    policy = definitions.policy
    shares: dict[str, tuple[float, str | None]] = {}
    if policy:
        shares[UNIVERSAL] = (policy.holdouts.universal, None)
        shares |= {name: (share, None) for name, share in policy.holdouts.programs.items()}
    shares |= {name: (one.holdout, one.owner) for name, one in definitions.journeys.items()}
    for name, (share, owner) in shares.items():
        if share:
            arms = {HOLDOUT: share, TREATED: 1 - share}
            yield Listed(name, owner, HOLDOUT, arms, RUNNING, people.get(name, {}))
