"""Who takes part: a share of everybody, a part of a layer."""

from collections.abc import Iterable, Mapping
from itertools import pairwise

from courtesy.ground.definitions import Document
from courtesy.ground.definitions.document import Path
from courtesy.ground.primitives.errors import DefinitionError
from courtesy.stages.experiments.fields import ExperimentFields, LayerFields
from courtesy.stages.experiments.model import Experiment, Layer, Ramp
from courtesy.stages.experiments.reader import Reader

ALWAYS = (Ramp(None, 1.0),)


def read_traffic(reader: Reader, fields: ExperimentFields) -> tuple[Ramp, ...]:
    """The share that takes part, always or from step to step.

    Raises:
        DefinitionError: it is no share, or its steps do not grow in time and size.
    """
    if fields.traffic is None:
        return ALWAYS
    if not isinstance(fields.traffic, list):
        return (Ramp(None, reader.share(fields.traffic, ("traffic",))),)
    ramps = [_step(reader, step, ("traffic", n)) for n, step in enumerate(fields.traffic)]
    if not ramps:
        raise reader.refusal(("traffic",), "It should be a share such as 10%, or a list of steps.")
    for index, (before, after) in enumerate(pairwise(ramps), start=1):
        if before.since and after.since and after.since <= before.since:
            path = ("traffic", index, "from")
            raise reader.refusal(path, "Each step should begin after the one before it.")
        if after.share <= before.share:
            path = ("traffic", index, "share")
            raise reader.refusal(path, "Each step should be larger than the one before it.")
    return tuple(ramps)


def read_layer(reader: Reader, fields: LayerFields) -> Layer:
    """A part of a layer.

    Raises:
        DefinitionError: it ends where it begins, or before.
    """
    start = reader.share(fields.start, ("layer", "from"))
    end = reader.share(fields.end, ("layer", "to"))
    if start >= end:
        raise reader.refusal(
            ("layer",), f"from should be below to; found {fields.start} to {fields.end}."
        )
    return Layer(fields.name, start, end)


def check_layers(
    experiments: Iterable[Experiment],
    documents: Mapping[str, Document] | None = None,
    cluster: str | None = None,
) -> None:
    """See to it that experiments of one layer never share a person.

    Args:
        experiments: checked definitions.
        documents: what they were read from, by name, for the place of the complaint.
        cluster: the trait whose equals share an arm where an experiment names none.

    Raises:
        DefinitionError: the parts of two experiments overlap, or chance assigns people in one and
            households in the other, so that their parts mean nothing; names both.
    """
    placed = [(one.layer, one) for one in experiments if one.layer is not None]
    last: dict[str, tuple[Layer, Experiment]] = {}
    for layer, one in sorted(placed, key=lambda pair: (pair[0].start, pair[1].name)):
        before, other = last.get(layer.name, (None, one))
        wrong = _strange(other, one, cluster) or (_overlap(before, layer) if before else "")
        if wrong:
            found = (documents or {}).get(one.name)
            raise DefinitionError(
                f"{other.name} and {one.name} share {wrong}",
                place=found.place(("layer",)) if found else f"experiments/{one.name}.yaml: layer",
            )
        if before is None or layer.end > before.end:
            last[layer.name] = (layer, one)


def _overlap(before: Layer, layer: Layer) -> str:
    """What is shared of a layer by a part and one that begins later; empty where nothing is."""
    if layer.start >= before.end:
        return ""
    both = f"{_shown(layer.start)} to {_shown(min(before.end, layer.end))}"
    return f"{both} of the layer {layer.name}; their parts should not overlap."


def _strange(other: Experiment, one: Experiment, cluster: str | None) -> str:
    """What is wrong with a layer of which each deals another kind of unit."""
    first, second = (each.cluster or cluster or "person" for each in (other, one))
    if first == second or one.layer is None:
        return ""
    return (
        f"the layer {one.layer.name}, but not what chance assigns: the one each {first}, the other "
        f"each {second}. So somebody could come into both; give them the same cluster."
    )


def _step(reader: Reader, step: object, path: Path) -> Ramp:
    if not isinstance(step, Mapping) or set(step) != {"from", "share"}:
        raise reader.refusal(path, f"A step has from and share; found {step!r:.80}.")
    since = reader.moment(step["from"], (*path, "from"))
    return Ramp(since, reader.share(step["share"], (*path, "share")))


def _shown(share: float) -> str:
    return f"{share * 100:g}%"
