"""Statements that stand in files, by name."""

from pathlib import Path

import pytest

from courtesy.ground.ledger import named_queries

_TEXT = """-- name: first
SELECT 1 -- not a name: comment
WHERE :since IS NULL;

-- name: second_one
SELECT 2;
"""


def test_each_statement_is_found_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "queries.sql").write_text(_TEXT)
    found = named_queries(str(tmp_path / "store.py"))
    assert dict(found) == {
        "first": "SELECT 1 -- not a name: comment\nWHERE :since IS NULL;",
        "second_one": "SELECT 2;",
    }


def test_a_name_that_is_said_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "queries.sql").write_text(_TEXT + "-- name: first\nSELECT 3;\n")
    with pytest.raises(ValueError, match="first"):
        named_queries(str(tmp_path / "store.py"))
