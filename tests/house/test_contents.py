"""What must not stand in any file."""

import re
from pathlib import Path

_MARKERS = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
_HOSTS = re.compile(
    r"index[-]url|find[-]links|registry *= *.http|https?://registry\.|https?://files\."
    r"|\"resolved\": *\"http|/simple(?:/|\"|$)"
)
_PATHS = re.compile(r"(?:^|[\s\"'=(:])/(?:work|farm|home|root|Users|opt)/")


def _found(root: Path, tracked: list[Path], pattern: re.Pattern[str]) -> list[str]:
    here = Path(__file__).relative_to(root)
    return [
        f"{path}:{number}: {line.strip():.120}"
        for path in tracked
        if path != here and path.suffix != ".svg"
        for number, line in enumerate(_lines(root / path), start=1)
        if pattern.search(line)
    ]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        return []


def test_nothing_is_left_to_do(root: Path, tracked: list[Path]) -> None:
    assert _found(root, tracked, _MARKERS) == []


def test_no_file_names_a_registry(root: Path, tracked: list[Path]) -> None:
    assert _found(root, tracked, _HOSTS) == []


def test_no_file_names_a_place_on_somebodys_machine(root: Path, tracked: list[Path]) -> None:
    assert _found(root, tracked, _PATHS) == []


def test_only_text_and_pictures_are_kept(root: Path, tracked: list[Path]) -> None:
    pictures = {".png", ".ico", ".woff2", ".gz", ".zst", ".xlsx", ".parquet"}
    odd = [
        str(path)
        for path in tracked
        if path.suffix not in pictures and b"\0" in (root / path).read_bytes()[:8000]
    ]
    assert odd == []
