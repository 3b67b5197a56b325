"""Sizes, names and the layout of folders."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

_LONGEST_FILE = 400
_LONGEST_FUNCTION = 60
_CODE = {".py", ".ts", ".tsx", ".js", ".sql", ".sh", ".css", ".jinja", ".html", ".mjml"}
_EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "core", "misc", "v2"}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def test_no_file_has_two_subjects(root: Path, tracked: list[Path]) -> None:
    code = [path for path in tracked if path.suffix in _CODE]
    assert code
    lengths = {str(path): len((root / path).read_bytes().splitlines()) for path in code}
    assert {path: n for path, n in lengths.items() if n > _LONGEST_FILE} == {}


def test_no_function_is_long(root: Path, sources: list[Path]) -> None:
    long = [
        f"{path.relative_to(root)}:{node.lineno} {node.name}"
        for path in sources
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, _FUNCTIONS)
        and (node.end_lineno or node.lineno) - node.lineno >= _LONGEST_FUNCTION
    ]
    assert long == []


def test_no_name_is_empty(tracked: list[Path]) -> None:
    words = {path: set(re.split(r"[/._-]", str(path).lower())) for path in tracked}
    assert {
        str(path): found & _EMPTY_NAMES for path, found in words.items() if found & _EMPTY_NAMES
    } == {}


def _stages(root: Path) -> list[Path]:
    folders = (root / "src" / "courtesy" / "stages").iterdir()
    return [folder for folder in folders if (folder / "__init__.py").is_file()]


def test_every_stage_has_its_nouns_and_says_what_it_does(root: Path) -> None:
    stages = _stages(root)
    assert len(stages) > 5
    for stage in stages:
        assert (stage / "model.py").is_file(), stage.name
        door = ast.parse((stage / "__init__.py").read_text(encoding="utf-8"))
        said = ast.get_docstring(door) or ""
        words = set(re.findall(r"\w+", said.lower()))
        assert {"in", "out", "verbs"} <= words, f"{stage.name}: what comes in, goes out, is done?"
        assert (stage / "store.py").is_file() == (stage / "queries.sql").is_file(), stage.name


def test_nouns_do_nothing(root: Path) -> None:
    forbidden = {"courtesy.ground.ledger", "pathlib", "duckdb", "sqlalchemy", "deltalake"}
    for model in (root / "src" / "courtesy" / "stages").glob("*/model.py"):
        tree = ast.parse(model.read_text(encoding="utf-8"))
        imported = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        imported |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        assert not imported & forbidden, model.parent.name


def test_every_import_points_down() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(done.stdout[-3000:] + done.stderr)
