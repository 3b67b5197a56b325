"""The tables of the migrations and the tables of the queries are the same."""

import ast
import re
from pathlib import Path

import pytest

from courtesy.ground.ledger import Ledger

_MENTIONED = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE)\s+([a-z_]+)\b(?!\s*\()", re.IGNORECASE)
_COMMON = re.compile(
    r"\b([a-z_]+)(?:\s*\([^)]*\))?\s+AS\s+(?:NOT\s+MATERIALIZED\s*)?\(", re.IGNORECASE
)
_NOT_TABLES = {"set"}


def _loaded(folder: Path) -> set[str]:
    """The temporary tables that the modules of a folder load."""
    names: set[str] = set()
    for path in folder.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".load"):
                first = node.args[0]
                known = constants.get(first.id) if isinstance(first, ast.Name) else None
                names.add(str(first.value if isinstance(first, ast.Constant) else known))
    return names


def _mentioned(queries: Path) -> set[str]:
    text = re.sub(r"--[^\n]*", "", queries.read_text(encoding="utf-8"))
    common = {name.lower() for name in _COMMON.findall(text)}
    return {name.lower() for name in _MENTIONED.findall(text)} - common - _NOT_TABLES


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    ledger = Ledger(f"sqlite:///{tmp_path_factory.mktemp('ledger') / 'ledger.db'}")
    ledger.migrate()
    with ledger.read() as tx:
        rows = tx.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
    ledger.close()
    return {str(row["name"]) for row in rows}


def test_every_table_of_a_query_is_made_by_the_migrations(root: Path, tables: set[str]) -> None:
    files = list((root / "src").rglob("queries.sql"))
    assert len(files) > 5
    for queries in files:
        unknown = _mentioned(queries) - tables - _loaded(queries.parent)
        assert unknown == set(), queries.relative_to(root)


def test_every_table_is_asked_for_somewhere(root: Path, tables: set[str]) -> None:
    mentioned = set().union(*map(_mentioned, (root / "src").rglob("queries.sql")))
    own = {name for name in tables if not name.startswith(("sqlite_", "alembic_"))}
    assert own - mentioned == set()
