"""Documents in, audiences out; what is not one is refused with file, line and node."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import Field

from courtesy.ground.definitions import Document, Model
from courtesy.ground.definitions import check as check_model
from courtesy.ground.primitives.errors import ConditionError, DefinitionError
from courtesy.ground.rules import Condition, Member, leaves, mentions, parse
from courtesy.stages.audiences.model import Audience

_NAME = r"^[a-z0-9][a-z0-9_-]{0,63}$"


class _File(Model):
    audience: str = Field(pattern=_NAME)
    owner: str | None = Field(default=None, pattern=r"^[^@\s]+@[^@\s]+$")
    description: str | None = None
    when: object


@dataclass(frozen=True)
class _Checked:
    document: Document
    audience: Audience


def check(documents: Sequence[Document]) -> Mapping[str, Audience]:
    """The audiences that the documents define, each after those that it refers to.

    Raises:
        DefinitionError: a field or a condition is not valid, a name is used twice, an audience
            refers to one that does not exist, or audiences refer to each other in a loop.
    """
    checked: dict[str, _Checked] = {}
    for document in documents:
        audience = _audience(document)
        if audience.name in checked:
            raise DefinitionError(
                f"There are two audiences {audience.name}.", place=document.place(("audience",))
            )
        checked[audience.name] = _Checked(document, audience)
    ordered: dict[str, Audience] = {}
    for name in checked:
        _visit(name, checked, ordered, ())
    return ordered


def _audience(document: Document) -> Audience:
    file = check_model(_File, document)
    try:
        when = parse(file.when, ("when",), place=document.place)
    except ConditionError as error:
        raise DefinitionError(error.detail, place=error.place) from None
    for path, leaf in leaves(when, ("when",)):
        if mentions(leaf).entry:
            raise DefinitionError(
                "same_as looks at the event that began a journey; an audience has none.",
                place=document.place(path),
            )
    return Audience(file.audience, file.owner, file.description, when)


def _visit(
    name: str,
    checked: Mapping[str, _Checked],
    ordered: dict[str, Audience],
    above: tuple[str, ...],
) -> None:
    """Put an audience behind all that it refers to; ``above`` is how it was come to."""
    one = checked[name]
    for other, place in _references(one):
        if other not in checked:
            known = ", ".join(sorted(checked))
            raise DefinitionError(f"There is no audience {other}. Known: {known}.", place=place)
        if other in (*above, name):
            loop = (*above, name, other)
            shown = " → ".join(loop[loop.index(other) :])
            raise DefinitionError(f"This is a loop: {shown}.", place=place)
        if other not in ordered:
            _visit(other, checked, ordered, (*above, name))
    ordered[name] = one.audience


def _references(one: _Checked) -> Iterator[tuple[str, str]]:
    """The audiences it refers to, each with the place of the reference."""
    condition: Condition = one.audience.when
    for path, leaf in leaves(condition, ("when",)):
        if isinstance(leaf, Member):
            yield leaf.audience, one.document.place((*path, "in"))
