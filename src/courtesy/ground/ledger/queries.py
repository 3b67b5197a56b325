"""SQL that stands in files, by name."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

_NAME = re.compile(r"^-- name: *([a-z_]+) *$", re.MULTILINE)


def named_queries(beside: str) -> Mapping[str, str]:
    """The statements of ``queries.sql`` in the folder of a module, by name.

    Args:
        beside: the ``__file__`` of that module. In the file each statement follows a line
            ``-- name: the_name``; parameters are written ``:parameter``.

    Raises:
        ValueError: two statements have one name.
    """
    text = Path(beside).with_name("queries.sql").read_text(encoding="utf-8")
    names = _NAME.findall(text)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"said twice: {', '.join(twice)}")
    statements = map(str.strip, _NAME.split(text)[2::2])
    return MappingProxyType(dict(zip(names, statements, strict=True)))
