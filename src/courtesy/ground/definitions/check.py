"""Making a document a model; complaints name the file, the line and the node."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from courtesy.ground.definitions.document import Document, Model, Path
from courtesy.ground.primitives.errors import DefinitionError

_SHOULD = "Input should be "
_STRANGE = {"missing", "extra_forbidden"}

ModelT = TypeVar("ModelT", bound=Model)


@dataclass(frozen=True)
class _Fault:
    """One of pydantic's complaints.

    ``path`` is the faulty node. Where a node may be of several types, ``union`` is the path of the
    outermost such node and ``member`` the type that was tried.
    """

    path: Path
    union: Path | None
    member: Path
    problem: Any


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
        problems = error.errors(include_url=False)
        faults = _worst([_fault(problem, document.data) for problem in problems])
        detail = _sentence([fault.problem for fault in faults], model)
        raise DefinitionError(detail, place=document.place(faults[0].path)) from None


def _fault(problem: Any, data: Any) -> _Fault:  # noqa: ANN401 - pydantic's dict, any YAML
    """Pydantic's location holds names of types between the user's own keys and numbers."""
    path: list[str | int] = []
    union, member = None, ()
    absent = problem["loc"][-1:] if problem["type"] == "missing" else ()
    for number, part in enumerate(problem["loc"][: len(problem["loc"]) - len(absent)]):
        of_list = isinstance(data, list) and isinstance(part, int)
        if of_list or (isinstance(data, dict) and part in data):
            data = data[part]
            path.append(part)
        elif union is None:
            union, member = tuple(path), problem["loc"][: number + 1]
    return _Fault((*path, *absent), union, member, problem)


def _worst(faults: Sequence[_Fault]) -> list[_Fault]:
    """What there is to say about the first faulty node.

    Of the types that it may have, those whose fields it has are what the user meant, and of these
    the one that got deepest; what got equally far are alternatives.
    """
    union = faults[0].union
    if union is None:
        return list(faults[:1])
    tried = [fault for fault in faults if fault.union == union]
    strange = {fault.member for fault in tried if fault.problem["type"] in _STRANGE}
    meant = [fault for fault in tried if fault.member not in strange] or tried
    deepest = max(meant, key=lambda fault: len(fault.path)).path
    return [fault for fault in meant if fault.path == deepest]


def _sentence(problems: Sequence[Any], model: type[Model]) -> str:
    first = problems[0]
    if first["type"] == "extra_forbidden":
        known = ", ".join(sorted(f.alias or name for name, f in model.model_fields.items()))
        hint = f" Known here: {known}." if len(first["loc"]) == 1 else ""
        return f"There is no field of this name.{hint}"
    if first["type"] == "missing":
        return "This field is required."
    if first["type"] == "model_type":
        return f"It should hold fields and their values; found {first['input']!r:.80}."
    texts = [p["msg"].removeprefix("Value error, ").rstrip(".") for p in problems]
    others = [text.removeprefix(_SHOULD) for text in texts[1:] if text.startswith(_SHOULD)]
    return f"{' or '.join([texts[0], *dict.fromkeys(others)])}; found {first['input']!r:.80}."
