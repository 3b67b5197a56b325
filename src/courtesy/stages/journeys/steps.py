"""The steps of a journey's YAML, laid out as a chart of nodes that each know where to go next."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any

from courtesy.ground.definitions.document import Path, spell
from courtesy.ground.rules import Condition
from courtesy.stages import experiments
from courtesy.stages.experiments import Experiment
from courtesy.stages.journeys.inspector import Inspector
from courtesy.stages.journeys.model import Branch, Exit, Node, Send, Trial, Wait
from courtesy.stages.journeys.variants import NONE, Words, filled, placeholders, variants, words_of

_SEND = {"template", "channel", "expires"}
_OPTION = {"if", "then"}
_NAMED = {"name", "then"}
_TEST = "test"
_KINDS = ("send", "wait", "branch", _TEST, "exit")


@dataclass(frozen=True)
class _Test:
    """A test of a journey.

    ``words``: what is said in place of ``{{ }}`` to each arm that comes here. ``then``: the arms'
    own steps. Where the experiment is gone, ``control`` is None and there are no ``words``.
    """

    name: str
    control: str | None
    words: Words
    then: Mapping[str, Any]


@dataclass
class Chart(Inspector):
    """Lays out the steps of one document; ``tests`` are those that the steps themselves define."""

    nodes: dict[str, Node] = field(default_factory=dict)
    tests: dict[str, Experiment] = field(default_factory=dict)

    def lay(self, steps: object, path: Path, after: str, before: _Test | None = None) -> str:
        """Lay out a list of steps that goes on to ``after``; returns where it begins.

        Args:
            steps: what the document says.
            path: where it says so.
            after: where to go behind the last.
            before: the nearest test that everybody passed who comes here.

        Raises:
            DefinitionError: a step is not valid; names the place.
        """
        if not isinstance(steps, list) or not steps:
            raise self.refusal(path, "It should be a list of one or more steps.")
        tests = self._tests(steps, path, before)
        for index in reversed(range(len(steps))):
            node = self._node(steps[index], (*path, index), after, tests[index])
            self.nodes[node.step] = node
            after = node.step
        return after

    def _tests(self, steps: Sequence[Any], path: Path, nearest: _Test | None) -> list[_Test | None]:
        """Of each step the nearest test: itself, or the last one before it."""
        found = []
        for index, step in enumerate(steps):
            if isinstance(step, dict) and set(step) == {_TEST}:
                nearest = self._test(step[_TEST], (*path, index, _TEST))
            found.append(nearest)
        return found

    def _node(self, step: object, path: Path, after: str, test: _Test | None) -> Node:
        if step == "exit":
            return Exit(spell(path))
        if not isinstance(step, dict) or len(step) != 1:
            raise self.refusal(path, f"A step is one of {', '.join(_KINDS)}; found {step!r:.80}.")
        kind, body = next(iter(step.items()))
        below = (*path, kind)
        if kind == "send":
            return self._send(body, below, spell(path), after, test)
        if kind == "wait":
            return Wait(spell(path), self.length(body, below), after)
        if kind == "branch":
            return self._branch(body, below, spell(path), after, test)
        if kind == _TEST and test is not None:
            return self._trial(test, below, spell(path), after)
        if kind == "exit":
            return Exit(spell(path))
        raise self.refusal(below, f"There is no step of this name. Known: {', '.join(_KINDS)}.")

    def _send(self, body: object, path: Path, step: str, after: str, test: _Test | None) -> Send:
        fields = self.fields(body, path, _SEND)
        template = fields.get("template")
        channel = fields.get("channel", "email")
        channels = channel if isinstance(channel, list) else [channel]
        self._said("template", [template], self.known.templates, (*path, "template"), test)
        self._said("channel", channels, self.known.channels, (*path, "channel"), test)
        expires = fields.get("expires")
        limit = self.length(expires, (*path, "expires")) if expires is not None else None
        send = Send(step, str(template), tuple(channels), limit, after)
        if test is None:
            return send
        return replace(send, test=test.name, variants=variants(send, test.words))

    def _said(
        self,
        noun: str,
        texts: Sequence[object],
        known: AbstractSet[str],
        path: Path,
        test: _Test | None,
    ) -> None:
        """Refuse a template or channel that does not exist, in whatever arm."""
        named = [text for text in texts if isinstance(text, str) and placeholders(text)]
        self.exist(noun, [text for text in texts if text not in named], known, path)
        for text in named:
            self._check_placeholders(text, path, test)
            for arm, words in (test.words if test else {}).items():
                said = [name for name in [filled(text, words)] if name != NONE]
                self.exist(noun, said, known, path, f" for the arm {arm}")

    def _check_placeholders(self, text: str, path: Path, test: _Test | None) -> None:
        if test is None:
            detail = f"No test stands before this step, so {text!r} means nothing."
            raise self.refusal(path, detail)
        for words in test.words.values():
            unknown = [name for name in placeholders(text) if name not in words]
            if unknown and not self.known.applied:
                there = ", ".join(f"{{{{{word}}}}}" for word in words)
                detail = f"The test {test.name} has no {{{{{unknown[0]}}}}}. There is: {there}."
                raise self.refusal(path, detail)

    def _branch(
        self, body: object, path: Path, step: str, after: str, test: _Test | None
    ) -> Branch:
        if not isinstance(body, list) or not body:
            raise self.refusal(
                path, "It should be a list of if and then, with at most one else at its end."
            )
        otherwise = after
        options: list[tuple[Condition, str]] = []
        for index, option in enumerate(body):
            here = (*path, index)
            if isinstance(option, dict) and set(option) == {"else"} and index == len(body) - 1:
                otherwise = self.lay(option["else"], (*here, "else"), after, test)
                continue
            fields = self.fields(option, here, _OPTION, required=_OPTION)
            condition = self.condition(fields["if"], (*here, "if"))
            options.append((condition, self.lay(fields["then"], (*here, "then"), after, test)))
        return Branch(step, tuple(options), otherwise)

    def _test(self, body: object, path: Path) -> _Test:
        if isinstance(body, str):
            return self._named(body, path, {})
        if not isinstance(body, dict):
            raise self.refusal(
                path, f"It should name an experiment or define one; found {body!r:.80}."
            )
        then = body.get("then", {})
        if not isinstance(then, dict):
            raise self.refusal((*path, "then"), "It should hold arms, each with steps of its own.")
        if set(body) <= _NAMED:
            return self._named(body.get("name"), (*path, "name"), then)
        return self._inline({"name": None, **body}, path, then)

    def _named(self, name: object, path: Path, then: Mapping[str, Any]) -> _Test:
        """The test that is an experiment of the folder."""
        self.exist("experiment", [name], self.known.experiments, path)
        experiment = self.known.experiments.get(str(name))
        if experiment is None:
            return _Test(str(name), None, {}, then)
        if experiment.observed and not self.known.applied:
            raise self.refusal(path, f"Others assigned the arms of {name}, so it is no step.")
        return _Test(experiment.name, experiment.control, words_of(experiment), then)

    def _inline(self, body: Mapping[str, Any], path: Path, then: Mapping[str, Any]) -> _Test:
        """The test that the step itself defines."""
        experiment = experiments.check_inline(self.document, path, body["name"], body)
        if experiment.name in self.tests:
            detail = f"There is a test {experiment.name} in this journey already."
            raise self.refusal((*path, "name"), detail)
        self.tests[experiment.name] = experiment
        return _Test(experiment.name, experiment.control, words_of(experiment), then)

    def _trial(self, test: _Test, path: Path, step: str, after: str) -> Trial:
        ways = {}
        for arm, steps in test.then.items():
            here = (*path, "then", arm)
            self.exist("arm", [arm], test.words, here)
            alone = {name: words for name, words in test.words.items() if name == arm}
            ways[arm] = self.lay(steps, here, after, replace(test, words=alone))
        return Trial(step, test.name, test.control, ways, after)
