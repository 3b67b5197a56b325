"""Reading comparisons: ``{gt: 50, lt: 100}`` and the values they hold."""

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime

from courtesy.ground.rules.model import Comparison, Operator, Scalar, Where
from courtesy.ground.rules.node import Node

OPERATORS = tuple(str(operator) for operator in Operator)
SAME_AS = "same_as"
_SEVERAL = {Operator.IN, Operator.NOT_IN}
_ORDER = {Operator.GT, Operator.GTE, Operator.LT, Operator.LTE}
_EXACT = 2**53


def comparisons(fields: Mapping[str, Node]) -> tuple[Comparison, ...]:
    """The comparisons among the fields of a node."""
    found = [(Operator(name), node) for name, node in fields.items() if name in OPERATORS]
    return tuple(Comparison(operator, _operands(operator, node)) for operator, node in found)


def wheres(node: Node) -> tuple[Where, ...]:
    """What the properties of an event must be like."""
    entries = node.mapping("where holds properties and what they should be")
    return tuple(_where(_property(name, entry), entry) for name, entry in entries.items())


def _where(path: tuple[str, ...], node: Node) -> Where:
    if not isinstance(node.data, Mapping):
        return Where(path, (Comparison(Operator.IS, (_scalar(node),)),))
    fields = node.fields((*OPERATORS, SAME_AS), of="A property")
    same = fields.get(SAME_AS)
    return Where(path, comparisons(fields), _entry_property(path, same) if same else None)


def _entry_property(path: tuple[str, ...], node: Node) -> tuple[str, ...]:
    if node.data == "entry":
        return path
    if not isinstance(node.data, Mapping):
        raise node.refusal(f"It should be entry, or {{entry: PROPERTY}}; found {node.data!r:.80}.")
    fields = node.fields(("entry",), of=SAME_AS)
    entry = fields["entry"]
    return _property(entry.name(), entry)


def _property(name: str, node: Node) -> tuple[str, ...]:
    """The parts of ``a.b``, each the name of a property inside the one before."""
    parts = tuple(Node(name, node.path, node.place).text().split("."))
    if not all(parts) or "*" in parts:
        raise node.refusal(
            f"A property is a name, or names with dots between them; found {name!r:.80}."
        )
    return parts


def _operands(operator: Operator, node: Node) -> tuple[Scalar, ...]:
    if operator in _SEVERAL:
        return tuple(_scalar(item) for item in node.items("It should be a list of values"))
    operand = _scalar(node)
    if operator is Operator.EXISTS and not isinstance(operand, bool):
        raise node.refusal(f"It should be true or false; found {operand!r:.80}.")
    if operator in _ORDER and isinstance(operand, bool):
        raise node.refusal("It should be a number or text, which have an order; found a boolean.")
    if operator is Operator.STARTS_WITH and not isinstance(operand, str):
        raise node.refusal(f"It should be text; found {operand!r:.80}.")
    return (operand,)


def _scalar(node: Node) -> Scalar:
    if isinstance(node.data, bool):
        return node.data
    if isinstance(node.data, int | float):
        return _number(node.data, node)
    if isinstance(node.data, date):
        return _iso(node.data)
    if isinstance(node.data, str):
        return node.text()
    raise node.refusal(f"It should be text, a number or a boolean; found {node.data!r:.80}.")


def _number(value: float, node: Node) -> float:
    if isinstance(value, int) and abs(value) > _EXACT:
        raise node.refusal(
            f"A number is at most {_EXACT}, beyond which it is not exact; found {value!r:.80}."
        )
    if not math.isfinite(value):
        raise node.refusal(f"A number is finite; found {value}.")
    return value


def _iso(value: date) -> str:
    """A date or an instant as events carry it; YAML turns unquoted ones into Python's types."""
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat()
