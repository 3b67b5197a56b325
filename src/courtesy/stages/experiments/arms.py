"""The arms of an experiment: named one by one, or as all combinations of factors."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product

from courtesy.ground.definitions.document import Path
from courtesy.stages.experiments.assign import dealt_shares
from courtesy.stages.experiments.model import Ramp, Split
from courtesy.stages.experiments.reader import Reader, number

_FEWEST = 2
_MOST = 100
_LONGEST = 64
_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]*"
_JOINT = "+"
_ARM = "arm"

Weights = Mapping[str, float]


@dataclass(frozen=True)
class Arms:
    """The ``shares`` of the arms, adding up to one; the rest is as in ``Experiment``."""

    shares: Mapping[str, float]
    factors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    levels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def read_arms(reader: Reader, data: object, path: Path) -> Arms:
    """Arms from ``{name: weight}``.

    Raises:
        DefinitionError: there are fewer than two or too many, a name is strange or a weight is not
            a number above zero.
    """
    return Arms(_scaled(_weights(reader, data, path, "arms")))


def read_factors(reader: Reader, data: object, path: Path) -> Arms:
    """Arms from ``{factor: {level: weight}}``: each has a level of every factor.

    Raises:
        DefinitionError: a factor has fewer than two levels, a name is strange, a weight is not a
            number above zero or there are too many combinations.
    """
    if not isinstance(data, Mapping) or not data:
        raise reader.refusal(path, f"It should hold factors and their levels; found {data!r:.80}.")
    scaled: dict[str, Weights] = {}
    for name, levels in data.items():
        check_name(reader, name, (*path, name))
        if name == _ARM:
            raise reader.refusal((*path, name), "A factor cannot be called arm: that is all of it.")
        scaled[name] = _scaled(_weights(reader, levels, (*path, name), "levels"))
    if math.prod(map(len, scaled.values())) > _MOST:
        raise reader.refusal(path, f"There should be at most {_MOST} combinations.")
    cells = [dict(zip(scaled, cell, strict=True)) for cell in product(*scaled.values())]
    named = {_JOINT.join(cell.values()): cell for cell in cells}
    shares = {
        arm: math.prod(scaled[factor][level] for factor, level in cell.items())
        for arm, cell in named.items()
    }
    return Arms(shares, {name: tuple(levels) for name, levels in scaled.items()}, named)


def read_control(reader: Reader, control: object, arms: Arms, path: Path) -> str:
    """The arm that the others are beside: the first where none is named.

    Raises:
        DefinitionError: it is no arm.
    """
    if control is None:
        return next(iter(arms.shares))
    reader.exist("arm", [str(control)], arms.shares.keys(), path)
    return str(control)


def reach(reader: Reader, arms: Arms, traffic: Iterable[Ramp], path: Path) -> None:
    """Refuse arms so small, or traffic so little, that an arm gets none of the buckets."""
    for ramp in traffic:
        dealt = dealt_shares(Split("", arms.shares, "", ramp.share))
        absent = [arm for arm in arms.shares if not dealt.get(arm)]
        if ramp.share and absent:
            raise reader.refusal(
                path,
                f"Of {ramp.share * 100:g}% of all people the arm {absent[0]} would get nobody: "
                "chance deals in steps of 0.01%.",
            )


def check_name(reader: Reader, name: object, path: Path) -> str:
    """A name of an arm.

    Raises:
        DefinitionError: it is not of letters (A to Z), digits, ``-`` and ``_``, or too long.
    """
    if not isinstance(name, str) or len(name) > _LONGEST or not re.fullmatch(_NAME, name):
        raise reader.refusal(
            path,
            f"A name here has letters from A to Z, digits, - and _, at most {_LONGEST}; "
            f"found {name!r:.80}.",
        )
    return name


def _weights(reader: Reader, data: object, path: Path, what: str) -> Weights:
    if not isinstance(data, Mapping) or not _FEWEST <= len(data) <= _MOST:
        raise reader.refusal(
            path,
            f"It should hold {_FEWEST} to {_MOST} {what}, each with a weight; found {data!r:.80}.",
        )
    return {
        check_name(reader, name, (*path, name)): _weight(reader, weight, (*path, name))
        for name, weight in data.items()
    }


def _weight(reader: Reader, value: object, path: Path) -> float:
    found = number(value)
    if not found > 0:
        raise reader.refusal(path, f"A weight is a number above zero; found {value!r:.80}.")
    return found


def _scaled(weights: Weights) -> Weights:
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}
