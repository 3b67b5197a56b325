"""Reading YAML with the line of every node."""

import re
from collections.abc import Iterator
from itertools import count

import yaml

from courtesy.ground.definitions.document import Document, Path, spell
from courtesy.ground.primitives.errors import DefinitionError

_DEEPEST = 40
_MOST_NODES = 100_000
_BOOLEAN = "tag:yaml.org,2002:bool"
_PLACEHOLDER = re.compile(
    r"""(?<![\w"'{}.-])([\w.-]*(?:\{\{\s*[\w.]+\s*\}\}[\w.-]*)+)(?=\s*(?:[,}\]#]|$))""",
    re.MULTILINE,
)


class _Loader(yaml.SafeLoader):
    """As of YAML 1.2 only ``true`` and ``false`` are truth: ``no`` may be Norway."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own attribute
        first: [(tag, pattern) for tag, pattern in known if tag != _BOOLEAN or first in "tTfF"]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def read_yaml(source: str, text: str) -> Document:
    """Parse one YAML document.

    A placeholder such as ``nudge-{{arm}}`` needs no quotes, although YAML's braces ask for them.

    Args:
        source: the name to show in messages, such as ``journeys/welcome.yaml``.
        text: the YAML.

    Raises:
        DefinitionError: it is not YAML, contains itself (a loop of aliases), is nested too deeply,
            grows too large by its aliases or says a key twice.
    """
    text = text.removeprefix("\ufeff")
    quoted = _PLACEHOLDER.sub(r'"\1"', text)
    try:
        return _parsed(source, text)
    except DefinitionError:
        if quoted == text:
            raise
    return _parsed(source, quoted)


def _parsed(source: str, text: str) -> Document:
    try:
        root = yaml.compose(text, Loader=_Loader)
        lines = dict(_Places(source).of(root, (), ())) if root else {}
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise DefinitionError(f"{error.problem}.", place=f"{source}:{line}") from None
    except RecursionError:
        raise DefinitionError("It is nested too deeply.", place=source) from None
    except (yaml.YAMLError, ValueError) as error:
        first = str(error).split("\n", maxsplit=1)[0]
        raise DefinitionError(f"{first}.", place=source) from None
    return Document(source, data, lines)


class _Places:
    """Walks the nodes of one file, aliases included, as often as they are named."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._numbers = count(1)

    def of(
        self, node: yaml.Node, path: Path, above: tuple[yaml.Node, ...]
    ) -> Iterator[tuple[Path, int]]:
        """Each node's path and line."""
        self._refuse_endless(node, path, above)
        yield path, node.start_mark.line + 1
        below = (*above, node)
        if isinstance(node, yaml.SequenceNode):
            for index, child in enumerate(node.value):
                yield from self.of(child, (*path, index), below)
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, child in node.value:
                name = str(key.value)
                if name in seen:
                    raise DefinitionError(f"{name} is said twice.", place=self._place(key, path))
                seen.add(name)
                yield from self.of(child, (*path, name), below)
                yield (*path, name), key.start_mark.line + 1

    def _refuse_endless(self, node: yaml.Node, path: Path, above: tuple[yaml.Node, ...]) -> None:
        place = self._place(node, path)
        if any(node is one for one in above):
            raise DefinitionError("This is a loop: the node contains itself.", place=place)
        if len(path) > _DEEPEST:
            raise DefinitionError("It is nested too deeply.", place=place)
        if next(self._numbers) > _MOST_NODES:
            raise DefinitionError(
                f"With its aliases it has more than {_MOST_NODES} nodes.", place=place
            )

    def _place(self, node: yaml.Node, path: Path) -> str:
        where = f"{self._source}:{node.start_mark.line + 1}"
        return f"{where}: {spell(path)}" if path else where
