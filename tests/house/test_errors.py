"""The tree of errors, as drawn and as it is."""

import importlib
import pkgutil
import re

import pytest

import courtesy
from courtesy.ground.primitives import errors
from courtesy.ground.primitives.errors import CourtesyError


def _import_everything() -> None:
    for module in pkgutil.walk_packages(courtesy.__path__, "courtesy."):
        if "migrations" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def _below(kind: type[CourtesyError]) -> set[type[CourtesyError]]:
    found = set(kind.__subclasses__())
    return found.union(*map(_below, found))


def _drawn() -> dict[str, str]:
    """The parent of each name in the drawing."""
    parents: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    drawing = re.findall(r"^    ([│├└── ]*)(\w+Error)", errors.__doc__ or "", re.MULTILINE)
    for branch, name in drawing:
        above = [(depth, one) for depth, one in above if depth < len(branch)]
        parents[name] = above[-1][1] if above else "Exception"
        above.append((len(branch), name))
    return parents


def test_the_tree_is_as_it_is_drawn() -> None:
    _import_everything()
    kinds: list[type[CourtesyError]] = [CourtesyError, *_below(CourtesyError)]
    bases = {kind.__name__: [base.__name__ for base in kind.__bases__] for kind in kinds}
    assert bases == {name: [parent] for name, parent in _drawn().items()}
    assert {kind.__module__ for kind in kinds} == {errors.__name__}


@pytest.mark.parametrize("kind", sorted(_below(CourtesyError), key=str))
def test_an_errors_first_line_is_a_sentence(kind: type[CourtesyError]) -> None:
    first = (kind.__doc__ or "").splitlines()[0]
    assert re.fullmatch(r"[A-Z][^\n]{10,}\.", first)
    assert kind().message == first
