"""What the product imports, installing the product brings."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_NAME = re.compile(r"^[A-Za-z0-9._-]+")
_TRANSITIVE = {"starlette", "pydantic-core", "markupsafe", "click"}
"""What FastAPI, Pydantic, Jinja and Typer are made of and re-export only in part."""


def _names(requirements: list[str]) -> set[str]:
    found = (_NAME.match(requirement) for requirement in requirements)
    return {match[0].lower().replace("_", "-") for match in found if match}


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def test_every_import_of_the_product_is_a_dependency_of_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    listed = _names(project["dependencies"] + extras["demo"] + extras["postgres"]) | _TRANSITIVE
    distributions = packages_distributions()
    missing = {
        f"{path.relative_to(ROOT)}: {module}"
        for path in (ROOT / "src").rglob("*.py")
        for module in _imported(path)
        if module not in sys.stdlib_module_names and module != "courtesy"
        if not {name.lower().replace("_", "-") for name in distributions[module]} & listed
    }
    assert missing == set()
