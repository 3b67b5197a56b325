"""What a workspace holds, as text and checked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from courtesy.ground.definitions import Document, read_yaml
from courtesy.stages.audiences import Audience
from courtesy.stages.experiments import Experiment
from courtesy.stages.journeys import Journey
from courtesy.stages.lift import Metric, Ratio
from courtesy.stages.messages import Policy
from courtesy.stages.messages.template import Template

POLICY = "policy"
FOLDERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "audience": ("audiences", (".yaml", ".yml")),
    "metric": ("metrics", (".yaml", ".yml")),
    "experiment": ("experiments", (".yaml", ".yml")),
    "journey": ("journeys", (".yaml", ".yml")),
    "template": ("templates", (".mjml", ".html", ".txt")),
}
"""Of each kind of definition its folder, and the suffixes of its files."""


@dataclass(frozen=True)
class Source:
    """One definition as text; a template is named with its suffix."""

    kind: str
    name: str
    body: str
    place: str

    def document(self) -> Document:
        """What the text says, with the place of each node."""
        return read_yaml(self.place, self.body)


@dataclass(frozen=True)
class Workspace:
    """Checked definitions; ``versions`` holds every journey version that may have people in it.

    ``experiments`` are those of the folder and the tests that journeys define themselves, also
    those that are ``retired`` but which people in flight may still meet. ``template_of`` finds the
    template that a version of a journey calls by a name.
    """

    policy: Policy | None
    audiences: Mapping[str, Audience]
    metrics: Mapping[str, Metric | Ratio]
    experiments: Mapping[str, Experiment]
    templates: Mapping[str, Template]
    journeys: Mapping[str, Journey]
    numbers: Mapping[str, int]
    versions: Mapping[tuple[str, int], Journey]
    retired: frozenset[str] = frozenset()
    template_of: Callable[[str, int, str], Template | None] = lambda *_: None


@dataclass(frozen=True)
class Change:
    """What applying would do to one definition; ``difference`` is a unified diff.

    ``action`` is add, change, retire, or keep: the folder lacks it, but people stand on it, as
    ``why`` says. A journey that was halted also is ``paused`` or ``stopped``.
    """

    action: str
    kind: str
    name: str
    version: int
    difference: str
    why: str = ""


@dataclass(frozen=True)
class Notice:
    """Something worth a look: where it stands, and a sentence."""

    place: str
    detail: str

    def __str__(self) -> str:
        return f"{self.place}: {self.detail}"
