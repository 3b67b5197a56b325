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


def _drawn() -> dict[str, int]:
    """Each name of the drawing and how deep it stands."""
    lines = re.findall(r"^    ([│├└── ]*)(\w+Error)", errors.__doc__ or "", re.MULTILINE)
    return {name: len(branch) for branch, name in lines}


def test_every_error_stands_in_the_drawing() -> None:
    _import_everything()
    kinds = _below(CourtesyError) | {CourtesyError}
    assert {kind.__name__ for kind in kinds} == set(_drawn())
    assert {kind.__module__ for kind in kinds} == {errors.__name__}


def test_the_drawing_is_true() -> None:
    depths = _drawn()
    parents = {kind: kind.__bases__[0].__name__ for kind in _below(CourtesyError)}
    for kind, parent in parents.items():
        assert depths[kind.__name__] > depths[parent]


@pytest.mark.parametrize("kind", sorted(_below(CourtesyError), key=lambda kind: kind.__name__))
def test_an_errors_first_line_is_a_sentence(kind: type[CourtesyError]) -> None:
    first = (kind.__doc__ or "").splitlines()[0]
    assert re.fullmatch(r"[A-Z][^\n]{10,}\.", first)
    assert kind().message == first
