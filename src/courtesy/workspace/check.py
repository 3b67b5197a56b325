"""Definitions checked together: each refers only to what there is."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath

from courtesy.ground.definitions import check
from courtesy.ground.primitives.errors import DefinitionError
from courtesy.stages import audiences, experiments, journeys, lift
from courtesy.stages.audiences import Audience
from courtesy.stages.experiments import UNIVERSAL, Experiment
from courtesy.stages.journeys import Journey
from courtesy.stages.lift import Metric, Ratio
from courtesy.stages.messages import Policy
from courtesy.stages.messages.policy import CHANNELS
from courtesy.stages.messages.template import Template, check_template
from courtesy.workspace.model import FOLDERS, POLICY, Source, Workspace


def checked(sources: Iterable[Source]) -> Workspace:
    """The workspace that the texts define, without numbers and versions.

    Raises:
        DefinitionError: one is not valid, or refers to what is not there; names file, line, node.
    """
    by_kind: dict[str, list[Source]] = {POLICY: [], **{kind: [] for kind in FOLDERS}}
    for source in sources:
        by_kind[source.kind].append(source)
    policies = [check(Policy, source.document()) for source in by_kind[POLICY]]
    policy = policies[0] if policies else None
    templates = _templates(by_kind["template"])
    groups = audiences.check([source.document() for source in by_kind["audience"]])
    metrics = _metrics(by_kind["metric"])
    tried = _experiments(by_kind["experiment"], groups, metrics, policy)
    known = journeys.Known(frozenset(templates), frozenset(groups), CHANNELS, tried)
    found = _journeys(by_kind["journey"], known)
    if found and not policy:
        raise DefinitionError(
            "Journeys need a policy.yaml beside them.", place=by_kind["journey"][0].place
        )
    _check_names(by_kind, tried, found)
    _check_programs(by_kind[POLICY], policy, found)
    inline = {test.name: test for journey in found.values() for test in journey.tests.values()}
    return Workspace(policy, groups, metrics, tried | inline, templates, found, {}, {})


def _metrics(sources: Sequence[Source]) -> dict[str, Metric | Ratio]:
    found = dict(lift.check([source.document() for source in sources]))
    for source in sources:
        _named(source, found)
    return found


def _experiments(
    sources: Iterable[Source],
    groups: Mapping[str, Audience],
    metrics: Mapping[str, Metric | Ratio],
    policy: Policy | None,
) -> dict[str, Experiment]:
    known = experiments.Known(frozenset(metrics), frozenset(groups), CHANNELS)
    found = {source.name: experiments.check(source.document(), known) for source in sources}
    for source in sources:
        _named(source, {found[source.name].name})
    documents = {source.name: source.document() for source in sources}
    cluster = policy.holdouts.cluster if policy else None
    experiments.check_layers(found.values(), documents, cluster)
    return found


def _journeys(sources: Iterable[Source], known: journeys.Known) -> dict[str, Journey]:
    found = {source.name: journeys.check(source.document(), known) for source in sources}
    for source in sources:
        _named(source, {found[source.name].name})
    return found


def _named(source: Source, names: Iterable[str]) -> None:
    """A file is called as what it defines, so that nobody searches."""
    if source.name not in names:
        raise DefinitionError(
            "A file is called as what it defines; its name and the one inside differ.",
            place=source.place,
        )


def _check_names(
    by_kind: Mapping[str, Iterable[Source]],
    tried: Mapping[str, Experiment],
    found: Mapping[str, Journey],
) -> None:
    """What can be measured by name has a name of its own."""
    taken: dict[str, str] = {UNIVERSAL: "the universal holdout"}
    places = {
        (source.kind, source.name): source.place for kind in by_kind.values() for source in kind
    }
    for name, what, place in _measurable(tried, found, places):
        if taken.setdefault(name, what) != what:
            raise DefinitionError(
                f"The name {name!r} is taken by {taken[name]}, and {what} needs one of its own.",
                place=place,
            )


def _measurable(
    tried: Mapping[str, Experiment],
    found: Mapping[str, Journey],
    places: Mapping[tuple[str, str], str],
) -> Iterator[tuple[str, str, str]]:
    for name in tried:
        yield name, f"the experiment {name}", places["experiment", name]
    for name, journey in found.items():
        place = places["journey", name]
        yield name, f"the journey {name}", place
        for test in journey.tests:
            yield test, f"the test {test} of the journey {name}", place
        if journey.program:
            yield journey.program, f"the program {journey.program}", place


def _check_programs(
    sources: Iterable[Source], policy: Policy | None, found: Mapping[str, Journey]
) -> None:
    """A program with a holdout has journeys, or its name is misspelled."""
    there = sorted({journey.program for journey in found.values() if journey.program})
    for program in policy.holdouts.programs if policy else ():
        if program not in there:
            document = next(iter(sources)).document()
            known = ", ".join(there) or "none"
            raise DefinitionError(
                f"No journey belongs to the program {program!r}. Programs: {known}.",
                place=document.place(("holdouts", "programs", program)),
            )


def _templates(sources: Iterable[Source]) -> dict[str, Template]:
    by_suffix = {PurePath(source.name): source for source in sources}
    found: dict[str, Template] = {}
    for path, source in by_suffix.items():
        if path.suffix == ".txt":
            continue
        if path.stem in found:
            raise DefinitionError("Two templates have this name.", place=source.place)
        plain = by_suffix.get(path.with_suffix(".txt"))
        found[path.stem] = check_template(
            path.stem, source.place, source.body, plain.body if plain else None
        )
    return found
