"""A folder of definitions as texts."""

from pathlib import Path

from courtesy.ground.primitives.errors import DefinitionError
from courtesy.workspace.model import FOLDERS, POLICY, Source


def read(folder: Path) -> list[Source]:
    """Every definition in a folder, unchecked.

    Raises:
        DefinitionError: there is no such folder, it holds no definition, or a file is no text.
    """
    if not folder.is_dir():
        raise DefinitionError("There is no such folder.", place=str(folder))
    found = []
    if (folder / "policy.yaml").is_file():
        found.append(_source(POLICY, POLICY, folder / "policy.yaml", folder))
    for kind, (below, suffixes) in FOLDERS.items():
        for path in sorted((folder / below).glob("*")):
            if path.suffix in suffixes:
                name = path.name if kind == "template" else path.stem
                found.append(_source(kind, name, path, folder))
    if not found:
        known = ", ".join(below for below, _ in FOLDERS.values())
        raise DefinitionError(f"It holds no policy.yaml, {known}.", place=str(folder))
    return found


def _source(kind: str, name: str, path: Path, folder: Path) -> Source:
    place = str(path.relative_to(folder))
    try:
        return Source(kind, name, path.read_text(encoding="utf-8-sig"), place)
    except (OSError, UnicodeDecodeError) as error:
        raise DefinitionError(f"{error}.", place=place) from None
