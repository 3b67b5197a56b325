"""Plain data in, a condition out; what is not one is refused with the path of the faulty node."""

from collections.abc import Callable, Mapping

from courtesy.ground.rules.compare import OPERATORS, comparisons, wheres
from courtesy.ground.rules.model import (
    AllOf,
    AnyOf,
    Condition,
    Consented,
    Did,
    Member,
    Not,
    Path,
    Reachable,
    Sequence,
    Trait,
)
from courtesy.ground.rules.node import Node, spell

_DEEPEST = 40


def parse(data: object, path: Path = (), *, place: Callable[[Path], str] = spell) -> Condition:
    """The condition that ``data`` says.

    Args:
        data: mappings, lists, text, numbers, booleans and dates, as YAML or JSON yields them.
        path: where ``data`` stands in its document.
        place: how a path becomes the error's place; ``Document.place`` adds file and line.

    Raises:
        ConditionError: a field is unknown, absent or of the wrong type, a window or a count is
            impossible, or the tree is nested too deeply; names the node.
    """
    return _condition(Node(data, path, place), 1)


def _condition(node: Node, depth: int) -> Condition:
    if depth > _DEEPEST:
        raise node.refusal(f"It is nested more than {_DEEPEST} deep.")
    known = ", ".join(_READERS)
    entries = node.mapping(f"A condition is a mapping with one of {known}")
    kinds = [kind for kind in _READERS if kind in entries]
    if not kinds:
        raise next(iter(entries.values())).refusal(
            f"There is no condition of this name. Known: {known}."
        )
    kind = kinds[0]
    return _READERS[kind](node, node.fields(_FIELDS[kind], of=kind), depth)


def _all(_node: Node, fields: Mapping[str, Node], depth: int) -> Condition:
    return AllOf(_parts(fields["all"], depth))


def _any(_node: Node, fields: Mapping[str, Node], depth: int) -> Condition:
    return AnyOf(_parts(fields["any"], depth))


def _parts(node: Node, depth: int) -> tuple[Condition, ...]:
    items = node.items("It should be a list of one or more conditions")
    return tuple(_condition(item, depth + 1) for item in items)


def _not(_node: Node, fields: Mapping[str, Node], depth: int) -> Condition:
    return Not(_condition(fields["not"], depth + 1))


def _trait(node: Node, fields: Mapping[str, Node], _depth: int) -> Condition:
    found = comparisons(fields)
    if not found:
        raise node.refusal(f"It should compare the trait with one of {', '.join(OPERATORS)}.")
    return Trait(fields["trait"].name(), found)


def _did(_node: Node, fields: Mapping[str, Node], _depth: int) -> Did:
    at_least, at_most = _counts(fields)
    return Did(
        event=fields["did"].name(),
        at_least=at_least,
        at_most=at_most,
        within=fields["within"].length() if "within" in fields else None,
        where=wheres(fields["where"]) if "where" in fields else (),
    )


def _counts(fields: Mapping[str, Node]) -> tuple[int, int | None]:
    exactly, low, high = (fields.get(name) for name in ("exactly", "at_least", "at_most"))
    if exactly:
        if low or high:
            raise exactly.refusal("exactly goes without at_least and at_most.")
        return exactly.number(0), exactly.number(0)
    at_most = high.number(0) if high else None
    at_least = low.number(1) if low else int(at_most is None)
    if low and at_most is not None and at_least > at_most:
        raise low.refusal(f"It cannot be at least {at_least} and at most {at_most} times.")
    return at_least, at_most


def _sequence(_node: Node, fields: Mapping[str, Node], depth: int) -> Condition:
    items = fields["sequence"].items("It should be a list of 2 to 10 events", least=2)
    if len(items) > _MOST_STEPS:
        raise fields["sequence"].refusal(f"It has at most {_MOST_STEPS} events.")
    steps = tuple(_step(item, depth) for item in items)
    return Sequence(steps, fields["within"].length() if "within" in fields else None)


def _step(node: Node, depth: int) -> Did:
    fields = node.fields(("did", "where"), of="An event of a sequence")
    if "did" not in fields:
        raise node.refusal("An event of a sequence needs did.")
    return _did(node, fields, depth)


def _in(_node: Node, fields: Mapping[str, Node], _depth: int) -> Condition:
    return Member(fields["in"].name())


def _consented(_node: Node, fields: Mapping[str, Node], _depth: int) -> Condition:
    node = fields["consented"]
    found = node.fields(("topic", "channel"), of="consented")
    for name in ("topic", "channel"):
        if name not in found:
            raise node.refusal(f"It needs {name}: consent is for a topic on a channel.")
    return Consented(found["topic"].name(), found["channel"].name())


def _reachable(_node: Node, fields: Mapping[str, Node], _depth: int) -> Condition:
    return Reachable(fields["reachable"].name())


_MOST_STEPS = 10
_READERS: Mapping[str, Callable[[Node, Mapping[str, Node], int], Condition]] = {
    "all": _all,
    "any": _any,
    "not": _not,
    "trait": _trait,
    "did": _did,
    "sequence": _sequence,
    "in": _in,
    "consented": _consented,
    "reachable": _reachable,
}
_FIELDS: Mapping[str, tuple[str, ...]] = {
    **{kind: (kind,) for kind in _READERS},
    "trait": ("trait", *OPERATORS),
    "did": ("did", "at_least", "at_most", "exactly", "within", "where"),
    "sequence": ("sequence", "within"),
}
