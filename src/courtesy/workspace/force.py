"""Putting definitions in force, and what is in force."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path, PurePath

from courtesy.ground.definitions import read_yaml
from courtesy.ground.definitions import store as definitions
from courtesy.ground.ledger import Transaction
from courtesy.ground.primitives.errors import DefinitionError
from courtesy.ground.primitives.memory import Memory
from courtesy.stages import experiments, journeys
from courtesy.stages.experiments import HOLDOUT, TREATED, UNIVERSAL, Experiment
from courtesy.stages.experiments import store as experiments_store
from courtesy.stages.journeys import store as journeys_store
from courtesy.stages.messages import Policy
from courtesy.stages.messages.policy import CHANNELS, Holdouts
from courtesy.workspace.check import checked
from courtesy.workspace.folder import read
from courtesy.workspace.mistakes import check_whole
from courtesy.workspace.model import POLICY, Change, Source, Workspace
from courtesy.workspace.standing import Standing, kept, standing, templates_of
from courtesy.workspace.templates import PinnedTemplates

_SEVERAL = 3
_LAST = 2**62
_KNOWN: Memory[object, Workspace] = Memory(most=8)


def plan(transaction: Transaction, folder: Path) -> Sequence[Change]:
    """What differs between a folder and what is in force, after checking the whole folder.

    Raises:
        DefinitionError: a definition in the folder is not valid, or changes an experiment that
            runs; names file, line and node.
    """
    return _planned(transaction, read(folder))


def read_checked(folder: Path) -> tuple[Sequence[Source], Workspace]:
    """The texts of a folder, and what they define.

    Raises:
        DefinitionError: a definition in the folder is not valid.
    """
    sources = read(folder)
    return sources, check_whole(sources)


def _planned(transaction: Transaction, sources: Sequence[Source]) -> list[Change]:
    now = in_force(transaction)
    people = standing(transaction, now)
    check_whole(sources)
    stay = kept(transaction, now, sources, people)
    whole = [*sources, *stay]
    wanted = checked(whole)
    _check_running(transaction, wanted, whole)
    changes = _differences(transaction, whole)
    changes += _pinned(transaction, now, wanted, changes)
    changes = [_with_people(one, people) for one in changes]
    changes += [*_stays(transaction, stay, people), *_halted(transaction, wanted)]
    return sorted(changes, key=lambda c: (c.kind, c.name))


def _differences(transaction: Transaction, sources: Iterable[Source]) -> list[Change]:
    before = {(v.kind, v.name): v for v in definitions.active(transaction)}
    after = {(s.kind, s.name): s for s in sources}
    changes = []
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if old and new and old.body == new.body:
            continue
        action = "change" if old and new else "retire" if old else "add"
        newest = definitions.newest(transaction, *key)
        version = newest if action == "retire" else newest + 1
        text = _difference(key, old.body if old else "", new.body if new else "")
        changes.append(Change(action, *key, version, text))
    return changes


def _pinned(
    transaction: Transaction, now: Workspace, wanted: Workspace, changes: Iterable[Change]
) -> list[Change]:
    """New versions of journeys whose text stays and whose templates change.

    So people who are inside keep the templates of their version.
    """
    told = {PurePath(one.name).stem for one in changes if one.kind == "template"}
    anew = {one.name for one in changes if one.kind == "journey"}
    found = []
    for name in sorted(wanted.journeys.keys() & now.journeys.keys() - anew):
        uses = sorted(templates_of(wanted.journeys[name]) & told)
        if uses:
            version = definitions.newest(transaction, "journey", name) + 1
            why = f"it uses {', '.join(uses)}; who is inside keeps the templates of before"
            found.append(Change("change", "journey", name, version, "", why))
    return found


def _with_people(change: Change, people: Mapping[str, Standing]) -> Change:
    """A change of a journey, and who stays on the version that they entered."""
    there = people.get(change.name) if change.kind == "journey" else None
    if there is None or not there.people:
        return change
    known = [part for part in (change.why, f"{there}, and stay on their version") if part]
    return replace(change, why="; ".join(known))


def _halted(transaction: Transaction, wanted: Workspace) -> Iterator[Change]:
    """The journeys of a folder that were paused or stopped, which applying does not undo."""
    in_force_now = {
        v.name: v.version for v in definitions.active(transaction) if v.kind == "journey"
    }
    for name, state in sorted(journeys_store.states(transaction).items()):
        if name in wanted.journeys and name in in_force_now:
            why = f"it is {state}, so nobody enters; to open it: courtesy journeys resume {name}"
            yield Change(state, "journey", name, in_force_now[name], "", why)


def _stays(
    transaction: Transaction, stay: Iterable[Source], people: Mapping[str, Standing]
) -> Iterator[Change]:
    for one in stay:
        version = definitions.newest(transaction, one.kind, one.name)
        why = "people who are under way need it"
        if one.kind == "journey":
            why = f"{people[one.name]}; to end it: courtesy journeys stop {one.name}"
        yield Change("keep", one.kind, one.name, version, "", f"not in the folder, but {why}")


def apply(transaction: Transaction, folder: Path, now: datetime) -> Sequence[Change]:
    """Put a folder in force; returns what ``plan`` would have. People in flight stay on theirs.

    Raises:
        DefinitionError: a definition in the folder is not valid; nothing is applied.
    """
    sources = read(folder)
    changes = _planned(transaction, sources)
    bodies = {(v.kind, v.name): v.body for v in definitions.active(transaction)}
    bodies |= {(s.kind, s.name): s.body for s in sources}
    release, states = definitions.next_release(transaction), journeys_store.states(transaction)
    for change in changes:
        key = (change.kind, change.name)
        if change.action == "retire":
            definitions.retire(transaction, *key, release)
            continue
        if change.action == "add" and change.name in (states if change.kind == "journey" else {}):
            journeys_store.put_state(
                transaction, change.name, None, now
            )  # it was stopped, and left
        if change.action in {"add", "change"}:
            definitions.put(transaction, *key, bodies[key], now, release)
    return changes


def in_force(transaction: Transaction) -> Workspace:
    """The definitions in force, checked; the same object until something is applied."""
    stamps = definitions.stamps(transaction)
    return _KNOWN.get(stamps) or _KNOWN.keep(stamps, _loaded(transaction))


def versions_of(transaction: Transaction, name: str) -> list[Experiment]:
    """All versions of an experiment of a folder that ever were in force, oldest first."""
    tried = definitions.every(transaction, "experiment")
    return [_former(one) for one in tried if one.name == name]


def _loaded(transaction: Transaction) -> Workspace:
    active = definitions.active(transaction)
    every = definitions.every(transaction, "journey")
    tried = definitions.every(transaction, "experiment")
    now = checked(Source(v.kind, v.name, v.body, f"{v.kind} {v.name}") for v in active)
    numbers = {v.name: v.version for v in active if v.kind == "journey"}
    there = _retired(tried) | dict(now.experiments)
    known = journeys.Known(frozenset(), frozenset(), CHANNELS, there, applied=True)
    versions = {
        (v.name, v.version): journeys.check(read_yaml(f"journey {v.name}", v.body), known)
        for v in every
    }
    tests = {test.name: test for old in versions.values() for test in old.tests.values()}
    last = {(v.name, v.version): v.retired - 1 if v.retired else _LAST for v in every}
    templates = PinnedTemplates(last, definitions.every(transaction, "template"))
    return Workspace(
        now.policy,
        now.audiences,
        now.metrics,
        tests | there,
        now.templates,
        now.journeys,
        numbers,
        versions,
        frozenset((tests | there).keys() - now.experiments.keys()),
        templates.find,
    )


def _retired(tried: Iterable[definitions.Version]) -> dict[str, Experiment]:
    """The newest version of every experiment there ever was: people may still be on their way."""
    return {one.name: _former(one) for one in tried}


def _former(version: definitions.Version) -> Experiment:
    known = experiments.Known(_Everything(), _Everything(), _Everything())
    return experiments.check(read_yaml(f"experiment {version.name}", version.body), known)


class _Everything(frozenset[str]):
    """Holds whatever is asked: what a former version refers to was there when it was applied."""

    def __contains__(self, name: object) -> bool:
        return True


def _check_running(transaction: Transaction, wanted: Workspace, sources: Iterable[Source]) -> None:
    """An experiment in which people are keeps its arms, and a pilot that runs keeps its plan."""
    now = in_force(transaction)
    known = list(sources)
    started = experiments_store.standings(transaction)
    running = {name for name, one in started.items() if one.stopped_at is None}
    people = experiments_store.counts(transaction)
    counted, places = people.keys(), _places(known, wanted)
    _check_taken(people, wanted, places)
    for name in sorted((running | counted) & now.experiments.keys()):
        new = wanted.experiments.get(name)
        _check_same(now.experiments[name], new, places, pilot=name in running)
    _check_cluster(now.policy, wanted.policy, sorted(counted & _clustered(now)), known)


def _check_taken(
    people: Mapping[str, Mapping[str, int]], wanted: Workspace, places: Mapping[str, str]
) -> None:
    """A name in which people were counted is not given to something else, even if it is gone."""
    arms = {name: {HOLDOUT, TREATED} for name in wanted.journeys}
    arms |= {name: {*one.arms} for name, one in wanted.experiments.items() if not one.observed}
    for name in sorted(arms.keys() & people.keys()):
        if not people[name].keys() & arms[name]:
            before = ", ".join(sorted(people[name]))
            raise DefinitionError(
                f"Something else had the name {name!r} before, with people in the arms {before}. "
                "Take another name.",
                place=places.get(name, name),
            )


def _clustered(now: Workspace) -> set[str]:
    """What is in force and deals its arms to the clusters that the policy names."""
    holdouts = now.policy.holdouts if now.policy else Holdouts()
    left = {UNIVERSAL: holdouts.universal, **holdouts.programs}
    left |= {name: journey.holdout for name, journey in now.journeys.items()}
    tried = {name for name, one in now.experiments.items() if not one.cluster}
    return {name for name, share in left.items() if share} | (tried - now.retired)


def _check_cluster(
    old: Policy | None, new: Policy | None, counted: Sequence[str], sources: Iterable[Source]
) -> None:
    """What chance assigns stays: else it would deal everybody anew."""
    before, after = (policy.holdouts.cluster if policy else None for policy in (old, new))
    if before == after or not counted:
        return
    names = ", ".join(counted[:_SEVERAL])
    more = f" and {len(counted) - _SEVERAL} more" if len(counted) > _SEVERAL else ""
    places = [one.document().place(("holdouts",)) for one in sources if one.kind == POLICY]
    raise DefinitionError(
        f"People are in {names}{more} already, so holdouts.cluster stays {before or 'absent'}: "
        "another would hold back other people.",
        place=next(iter(places), "policy.yaml"),
    )


def _places(sources: Iterable[Source], wanted: Workspace) -> dict[str, str]:
    """Where journeys and experiments are defined: in their file, or in that of their journey."""
    found = {(source.kind, source.name): source.place for source in sources}
    own = {name: place for (kind, name), place in found.items() if kind == "experiment"}
    journeys = {
        part: found["journey", name]
        for name, journey in wanted.journeys.items()
        for part in (name, *journey.tests)
    }
    return journeys | own


def _check_same(
    old: Experiment, new: Experiment | None, places: Mapping[str, str], *, pilot: bool
) -> None:
    place = places.get(old.name, f"experiment {old.name}")
    if new is None:
        if pilot:
            raise DefinitionError(
                f"The pilot runs; end it first: courtesy experiments stop {old.name}.", place=place
            )
        return
    changed = experiments.changed(old, new)
    if changed:
        raise DefinitionError(
            f"People are in it already, so this stays as it is: {', '.join(changed)}. Give what is "
            "new a name of its own.",
            place=place,
        )


def _difference(key: tuple[str, str], old: str, new: str) -> str:
    name = f"{key[0]} {key[1]}"
    lines = difflib.unified_diff(
        old.splitlines(), new.splitlines(), f"{name} in force", f"{name} in the folder", lineterm=""
    )
    return "\n".join(lines)
