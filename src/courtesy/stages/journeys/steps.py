"""The steps of a journey's YAML, laid out as a chart of nodes that each know where to go next."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from courtesy.ground.definitions import Document
from courtesy.ground.definitions.document import Path, spell
from courtesy.ground.primitives.clock import duration
from courtesy.ground.primitives.errors import DefinitionError, InputError
from courtesy.ground.rules import Condition, mentions, parse
from courtesy.stages.journeys.model import Branch, Exit, Node, Send, Wait

_SEND = {"template", "channel", "expires"}
_OPTION = {"if", "then"}
_KINDS = ("send", "wait", "branch", "exit")


@dataclass(frozen=True)
class Known:
    """What a journey may refer to."""

    templates: AbstractSet[str]
    audiences: AbstractSet[str]
    channels: AbstractSet[str]


@dataclass
class Chart:
    """Lays out the steps of one document; complaints name its file, line and node."""

    document: Document
    known: Known
    nodes: dict[str, Node] = field(default_factory=dict)

    def lay(self, steps: object, path: Path, after: str) -> str:
        """Lay out a list of steps that goes on to ``after``; returns where it begins."""
        if not isinstance(steps, list) or not steps:
            raise self.refusal(path, "It should be a list of one or more steps.")
        for index in reversed(range(len(steps))):
            node = self._node(steps[index], (*path, index), after)
            self.nodes[node.step] = node
            after = node.step
        return after

    def condition(self, data: object, path: Path) -> Condition:
        """A condition, all of whose audiences and channels exist."""
        condition = parse(data, path, place=self.document.place)
        found = mentions(condition)
        self._exist("audience", found.audiences, self.known.audiences, path)
        self._exist("channel", found.channels, self.known.channels, path)
        return condition

    def length(self, text: object, path: Path) -> timedelta:
        """A duration such as ``7d``, longer than nothing."""
        try:
            length = duration(str(text))
        except InputError as error:
            raise self.refusal(path, error.detail) from None
        if not length:
            raise self.refusal(path, "It should be longer than nothing.")
        return length

    def refusal(self, path: Path, detail: str) -> DefinitionError:
        """A complaint about the node at ``path``."""
        return DefinitionError(detail, place=self.document.place(path))

    def audience(self, name: str, path: Path) -> str:
        """An audience that exists."""
        self._exist("audience", {name}, self.known.audiences, path)
        return name

    def _node(self, step: object, path: Path, after: str) -> Node:
        if step == "exit":
            return Exit(spell(path))
        if not isinstance(step, dict) or len(step) != 1:
            raise self.refusal(path, f"A step is one of {', '.join(_KINDS)}; found {step!r:.80}.")
        kind, body = next(iter(step.items()))
        below = (*path, kind)
        if kind == "send":
            return self._send(body, below, spell(path), after)
        if kind == "wait":
            return Wait(spell(path), self.length(body, below), after)
        if kind == "branch":
            return self._branch(body, below, spell(path), after)
        if kind == "exit":
            return Exit(spell(path))
        raise self.refusal(below, f"There is no step of this name. Known: {', '.join(_KINDS)}.")

    def _send(self, body: object, path: Path, step: str, after: str) -> Send:
        fields = self._fields(body, path, _SEND)
        template = fields.get("template")
        self._exist("template", {template}, self.known.templates, (*path, "template"))
        channel = fields.get("channel", "email")
        channels = channel if isinstance(channel, list) else [channel]
        self._exist("channel", channels, self.known.channels, (*path, "channel"))
        expires = fields.get("expires")
        limit = self.length(expires, (*path, "expires")) if expires is not None else None
        return Send(step, str(template), tuple(channels), limit, after)

    def _branch(self, body: object, path: Path, step: str, after: str) -> Branch:
        if not isinstance(body, list) or not body:
            raise self.refusal(
                path, "It should be a list of if and then, with at most one else at its end."
            )
        otherwise = after
        options: list[tuple[Condition, str]] = []
        for index, option in enumerate(body):
            here = (*path, index)
            if isinstance(option, dict) and set(option) == {"else"} and index == len(body) - 1:
                otherwise = self.lay(option["else"], (*here, "else"), after)
                continue
            fields = self._fields(option, here, _OPTION, required=_OPTION)
            condition = self.condition(fields["if"], (*here, "if"))
            options.append((condition, self.lay(fields["then"], (*here, "then"), after)))
        return Branch(step, tuple(options), otherwise)

    def _fields(
        self,
        body: object,
        path: Path,
        known: AbstractSet[str],
        required: AbstractSet[str] = frozenset(),
    ) -> dict[str, Any]:
        if not isinstance(body, dict):
            raise self.refusal(
                path, f"It should hold {', '.join(sorted(known))}; found {body!r:.80}."
            )
        for name in body:
            if name not in known:
                listed = ", ".join(sorted(known))
                raise self.refusal(
                    (*path, name), f"There is no field of this name. Known here: {listed}."
                )
        for name in sorted(required - set(body)):
            raise self.refusal(path, f"The field {name} is required.")
        return body

    def _exist(
        self, noun: str, names: Iterable[object], known: AbstractSet[str], path: Path
    ) -> None:
        for name in names:
            if not isinstance(name, str) or name not in known:
                there = ", ".join(sorted(known)) or "none"
                raise self.refusal(path, f"There is no {noun} {name!r}. There is: {there}.")
