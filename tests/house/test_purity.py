"""Time and chance are arguments; only the clock and the ledger's stores know the world."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

_CLOCK = "ground/primitives/clock.py"
_NOW = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "time.time_ns",
    "datetime.datetime.now",
    "datetime.date.today",
}
_CHANCE_MODULES = ("random.", "np.random.", "numpy.random.")
_CHANCE_MAKERS = {"default_rng", "SeedSequence", "Random", "Generator", "Philox", "PCG64"}
_ASKING = {"run", "rows", "one", "scalar", "frame"}
_TRANSACTIONS = {"tx", "transaction", "_transaction"}


def _calls(path: Path) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func)


def _inside(path: Path) -> str:
    return path.as_posix().split("/src/courtesy/")[1]


def _is_chance(path: Path, call: ast.Call, name: str) -> bool:
    """Whether the answer differs from run to run: drawn from nowhere, or without a seed."""
    if not name.startswith(_CHANCE_MODULES) or "(" in name:
        return False
    module = name.split(".", maxsplit=1)[0]
    text = path.read_text(encoding="utf-8")
    if not re.search(rf"^import .*\b{module}\b", text, re.MULTILINE):
        return False
    made = name.rsplit(".", maxsplit=1)[-1] in _CHANCE_MAKERS
    return not (made and (call.args or call.keywords))


def test_only_the_clock_asks_what_time_it_is(sources: list[Path]) -> None:
    asked = [
        f"{_inside(path)}:{call.lineno} {name}"
        for path in sources
        if _inside(path) != _CLOCK
        for call, name in _calls(path)
        if name in _NOW
    ]
    assert asked == []


def test_only_the_clock_reads_the_machines_clock(sources: list[Path]) -> None:
    (clock,) = [path for path in sources if _inside(path) == _CLOCK]
    assert any(name in _NOW for _, name in _calls(clock))


def test_nothing_is_left_to_chance_without_a_seed(sources: list[Path]) -> None:
    unseeded = [
        f"{_inside(path)}:{call.lineno} {name}"
        for path in sources
        for call, name in _calls(path)
        if _is_chance(path, call, name)
    ]
    assert unseeded == []


def _asks_the_ledger(call: ast.Call) -> bool:
    asked = call.func
    if not isinstance(asked, ast.Attribute) or asked.attr not in _ASKING:
        return False
    return ast.unparse(asked.value).rsplit(".", maxsplit=1)[-1] in _TRANSACTIONS


def test_in_a_stage_only_the_store_asks_the_ledger(sources: list[Path]) -> None:
    asking = [
        f"{_inside(path)}:{call.lineno}"
        for path in sources
        if _inside(path).startswith("stages/") and path.name != "store.py"
        for call, _ in _calls(path)
        if _asks_the_ledger(call)
    ]
    assert asking == []


def test_statements_for_the_ledger_stand_in_query_files(sources: list[Path]) -> None:
    written = [
        f"{_inside(path)}:{call.lineno}"
        for path in sources
        if not _inside(path).startswith("ground/ledger/")
        for call, _ in _calls(path)
        if _asks_the_ledger(call) and isinstance(call.args[0], (ast.Constant, ast.JoinedStr))
    ]
    assert written == []
