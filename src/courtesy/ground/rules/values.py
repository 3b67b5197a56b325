"""Comparing a JSON value: text with text, numbers with numbers, and nothing is never equal."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from courtesy.ground.rules.literals import double, json_path, listed, literal
from courtesy.ground.rules.model import Comparison, Operator, Scalar

_LARGEST = double(sys.float_info.max)
_SIGNS = {Operator.GT: ">", Operator.GTE: ">=", Operator.LT: "<", Operator.LTE: "<="}
_BEGINS_OTHERS = frozenset("{[-0123456789")


@dataclass(frozen=True)
class Value:
    """SQL expressions about one JSON value: its scalar as text, and of which type it is.

    ``text`` is NULL where there is no value, and for JSON's null. ``items`` is a list's items as
    JSON, empty for what is no list; ``item_texts`` the same as ``text`` has them.
    """

    text: str
    items: str
    item_texts: str
    is_text: str
    is_number: str
    is_truth: str

    @property
    def number(self) -> str:
        """The value as a DOUBLE, also where it is text that spells one; NULL otherwise."""
        return f"TRY_CAST({self.text} AS DOUBLE)"


def property_value(document: str, path: tuple[str, ...]) -> Value:
    """A property inside a column of JSON objects."""
    where, inside = json_path(path), json_path(path, "[*]")
    kind = f"json_type({document}, {where})"
    return Value(
        text=f"({document} ->> {where})",
        items=f"CAST(json_extract({document}, {inside}) AS VARCHAR[])",
        item_texts=f"({document} ->> {inside})",
        is_text=f"{kind} = 'VARCHAR'",
        is_number=f"{kind} IN ('BIGINT', 'UBIGINT', 'DOUBLE')",
        is_truth=f"{kind} = 'BOOLEAN'",
    )


def trait_value(column: str) -> Value:
    """A column of JSON values, whose first character tells the type."""
    return Value(
        text=f"({column} ->> '$')",
        items=f"CAST(json_extract({column}, '$[*]') AS VARCHAR[])",
        item_texts=f"({column} ->> '$[*]')",
        is_text=f"starts_with({column}, '\"')",
        is_number=f"NOT starts_with({column}, '\"')",
        is_truth=f"{column} IN ('true', 'false')",
    )


def holds(value: Value, comparison: Comparison) -> str:
    """A boolean expression, never NULL."""
    return _TESTS[comparison.operator](value, comparison.operands)


def same(left: Value, right: Value) -> str:
    """Whether two values are equal and of one type; never NULL."""
    numbers = f"{left.is_number} AND {right.is_number} AND {left.number} = {right.number}"
    texts = f"({left.is_text}) = ({right.is_text}) AND {left.text} = {right.text}"
    return f"coalesce(({texts}) OR ({numbers}), FALSE)"


def _is(value: Value, operands: tuple[Scalar, ...]) -> str:
    plain = [o for o in operands if isinstance(o, str) and not _ambiguous(o)]
    others = [_equal(value, o) for o in operands if not isinstance(o, str) or _ambiguous(o)]
    several = [f"{value.text} IN {listed(plain)}"] if plain else []
    return f"coalesce({' OR '.join(several + others)}, FALSE)"


def _is_not(value: Value, operands: tuple[Scalar, ...]) -> str:
    return f"NOT {_is(value, operands)}"


def _equal(value: Value, operand: Scalar) -> str:
    if isinstance(operand, bool):
        return f"({value.text} = '{str(operand).lower()}' AND {value.is_truth})"
    if isinstance(operand, str):
        return f"({value.text} = {literal(operand)} AND {value.is_text})"
    return f"({value.number} = {double(operand)} AND {value.is_number})"


def _ambiguous(text: str) -> bool:
    """Whether a JSON value that is not text could be written like this."""
    return text in {"true", "false"} or text[:1] in _BEGINS_OTHERS


def _order(sign: str) -> Callable[[Value, tuple[Scalar, ...]], str]:
    def test(value: Value, operands: tuple[Scalar, ...]) -> str:
        (operand,) = operands
        if isinstance(operand, str):
            ordered = f"{value.text} {sign} {literal(operand)} AND {value.is_text}"
        else:
            finite = f"{value.number} BETWEEN -{_LARGEST} AND {_LARGEST}"
            ordered = f"{value.number} {sign} {double(operand)} AND {finite}"
        return f"coalesce({ordered}, FALSE)"

    return test


def _contains(value: Value, operands: tuple[Scalar, ...]) -> str:
    """A part of a text, or one whole item of a list."""
    (operand,) = operands
    item = _has_item(value, operand)
    if not isinstance(operand, str):
        return f"coalesce({item}, FALSE)"
    part = f"(contains({value.text}, {literal(operand)}) AND {value.is_text})"
    return f"coalesce({part} OR {item}, FALSE)"


def _has_item(value: Value, operand: Scalar) -> str:
    if isinstance(operand, bool):
        return f"list_contains({value.items}, '{str(operand).lower()}')"
    if isinstance(operand, str):
        if _ambiguous(operand):  # as JSON, which quotes text and nothing else
            written = json.dumps(operand, ensure_ascii=False)
            return f"list_contains({value.items}, {literal(written)})"
        return f"list_contains({value.item_texts}, {literal(operand)})"
    return f"list_contains(TRY_CAST({value.items} AS DOUBLE[]), {double(operand)})"


def _starts_with(value: Value, operands: tuple[Scalar, ...]) -> str:
    begins = f"starts_with({value.text}, {literal(str(operands[0]))})"
    return f"coalesce({begins} AND {value.is_text}, FALSE)"


def _exists(value: Value, operands: tuple[Scalar, ...]) -> str:
    return f"{value.text} IS {'NOT ' if operands[0] else ''}NULL"


_TESTS: Mapping[Operator, Callable[[Value, tuple[Scalar, ...]], str]] = {
    Operator.IS: _is,
    Operator.IS_NOT: _is_not,
    Operator.IN: _is,
    Operator.NOT_IN: _is_not,
    **{operator: _order(sign) for operator, sign in _SIGNS.items()},
    Operator.CONTAINS: _contains,
    Operator.STARTS_WITH: _starts_with,
    Operator.EXISTS: _exists,
}
