"""Reading YAML so that every complaint names its file, its line and its node."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from courtesy.ground.primitives.errors import DefinitionError

Path = tuple[str | int, ...]
_DEEPEST = 40


class Model(BaseModel):
    """A definition: immutable, of exact types, without unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


ModelT = TypeVar("ModelT", bound=Model)


@dataclass(frozen=True)
class Document:
    """What a file says, and on which line each of its nodes stands."""

    source: str
    data: Any
    lines: Mapping[Path, int] = field(default_factory=dict)

    def place(self, path: Path = ()) -> str:
        """Such as ``journeys/welcome.yaml:7: steps[2].wait``."""
        known = path
        while known and known not in self.lines:
            known = known[:-1]
        where = f"{self.source}:{self.lines.get(known, 1)}"
        return f"{where}: {spell(path)}" if path else where


def spell(path: Path) -> str:
    """A path as it is written in messages: ``steps[2].wait``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def read_yaml(source: str, text: str) -> Document:
    """Parse one YAML document.

    Args:
        source: the name to show in messages, such as ``journeys/welcome.yaml``.
        text: the YAML.

    Raises:
        DefinitionError: it is not YAML, contains itself (a loop of aliases), is nested too deeply
            or says a key twice.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        lines = dict(_lines(root, (), (), source)) if root else {}
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise DefinitionError(f"{error.problem}.", place=f"{source}:{line}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise DefinitionError(f"{error}.", place=source) from None
    return Document(source, data, lines)


def check(model: type[ModelT], document: Document) -> ModelT:
    """The document as a model.

    Raises:
        DefinitionError: a field is unknown, absent or of the wrong type; names the place.
    """
    if not isinstance(document.data, dict):
        raise DefinitionError("It should hold fields and their values.", place=document.place())
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = tuple(p for p in first["loc"] if _stands(document.data, p, first["loc"]))
        raise DefinitionError(_sentence(first, model), place=document.place(path)) from None


def _sentence(problem: Any, model: type[Model]) -> str:  # noqa: ANN401 - pydantic's dict
    if problem["type"] == "extra_forbidden":
        known = ", ".join(sorted(model.model_fields))
        hint = f" Known here: {known}." if len(problem["loc"]) == 1 else ""
        return f"There is no field of this name.{hint}"
    if problem["type"] == "missing":
        return "This field is required."
    text = problem["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{text}; found {problem['input']!r:.80}."


def _stands(data: Any, part: str | int, loc: Path) -> bool:  # noqa: ANN401 - any YAML
    """Whether a part of pydantic's location is the user's, and not the name of a union's member."""
    if isinstance(part, int):
        return True
    return _mentions(data, part) or part == loc[-1]


def _mentions(data: Any, key: str) -> bool:  # noqa: ANN401 - any YAML
    if isinstance(data, dict):
        return key in data or any(_mentions(value, key) for value in data.values())
    return isinstance(data, list) and any(_mentions(value, key) for value in data)


def _lines(
    node: yaml.Node, path: Path, above: tuple[int, ...], source: str
) -> Iterator[tuple[Path, int]]:
    line = node.start_mark.line + 1
    if id(node) in above or len(path) > _DEEPEST:
        raise DefinitionError(
            "This is a loop: the node contains itself.", place=f"{source}:{line}: {spell(path)}"
        )
    yield path, line
    below = (*above, id(node))
    if isinstance(node, yaml.SequenceNode):
        for index, child in enumerate(node.value):
            yield from _lines(child, (*path, index), below, source)
    if isinstance(node, yaml.MappingNode):
        yield from _mapping_lines(node, path, below, source)


def _mapping_lines(
    node: yaml.MappingNode, path: Path, above: tuple[int, ...], source: str
) -> Iterator[tuple[Path, int]]:
    seen: set[str] = set()
    for key, child in node.value:
        name = str(key.value)
        line = key.start_mark.line + 1
        if name in seen:
            raise DefinitionError(f"{name} is said twice.", place=f"{source}:{line}")
        seen.add(name)
        yield (*path, name), line
        yield from _lines(child, (*path, name), above, source)
