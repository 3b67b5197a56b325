"""Every definition that the documentation shows is one: it passes the checks of `courtesy plan`."""

import re
from pathlib import Path

import pytest

from courtesy.workspace.check import checked
from courtesy.workspace.model import POLICY, Source

ROOT = Path(__file__).resolve().parents[2]
QUICKSTART = ROOT / "examples" / "quickstart" / "workspace"
_BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"^(audience|metric|experiment|journey): (\S+)")
_SENT = re.compile(r'template: "?([a-z-]+)[",}\n]')


def _definitions(page: Path) -> list[Source]:
    found = []
    for block in _BLOCK.findall(page.read_text(encoding="utf-8")):
        named = _NAMED.match(block)
        assert named, f"{page.name}: what does this define? {block[:60]!r}"
        found.append(Source(named[1], named[2], block, f"{page.name} {named[1]} {named[2]}"))
    return found


def _surroundings(definitions: list[Source]) -> list[Source]:
    """A policy, and a template for each that is sent."""
    letter = (QUICKSTART / "templates" / "hello.html").read_text(encoding="utf-8")
    names = {name for source in definitions for name in _SENT.findall(source.body)}
    names |= {"nudge-plain", "nudge-free-shipping"}
    policy = (QUICKSTART / "policy.yaml").read_text(encoding="utf-8")
    templates = [Source("template", f"{name}.html", letter, f"{name}.html") for name in names]
    return [Source(POLICY, POLICY, policy, "policy.yaml"), *templates]


@pytest.mark.parametrize("page", ["docs/experiments.md"])
def test_every_definition_on_a_page_is_valid(page: str) -> None:
    definitions = _definitions(ROOT / page)
    assert len(definitions) > 5
    found = checked([*definitions, *_surroundings(definitions)])
    shown = {*found.audiences, *found.metrics, *found.journeys, *found.experiments}
    assert {source.name for source in definitions} <= shown
