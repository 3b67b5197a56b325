"""What stands in ``{{ }}`` in a journey: the arm of the nearest test before, and its factors."""

import re
from collections.abc import Mapping

from courtesy.stages.experiments import Experiment
from courtesy.stages.journeys.model import Send, Variant

Words = Mapping[str, Mapping[str, str]]
"""Of each arm what is said in place of each placeholder."""

ARM = "arm"
NONE = "none"
"""As a level that stands for a channel or a template: the send says nothing to that arm."""

_PLACEHOLDER = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


def placeholders(text: str) -> list[str]:
    """The names in a text that stand for something, in order."""
    return _PLACEHOLDER.findall(text)


def filled(text: str, words: Mapping[str, str]) -> str:
    """A text with its placeholders replaced; one that is not among ``words`` stays."""
    return _PLACEHOLDER.sub(lambda found: words.get(found[1], found[0]), text)


def words_of(experiment: Experiment) -> Words:
    """What stands for the placeholders in each arm: the arm, and its level of each factor."""
    return {arm: {**experiment.levels.get(arm, {}), ARM: arm} for arm in experiment.arms}


def variants(send: Send, words: Words) -> dict[str, Variant]:
    """What a send says to each arm; channels that become the same in an arm count once.

    Args:
        send: as it was written.
        words: what stands for its placeholders in each arm.
    """
    return {arm: variant(send, known) for arm, known in words.items()}


def variant(send: Send, words: Mapping[str, str]) -> Variant:
    """What a send says to an arm with these words."""
    template = filled(send.template, words)
    channels = dict.fromkeys(filled(channel, words) for channel in send.channels)
    spoken = [channel for channel in channels if NONE not in {channel, template}]
    return Variant(template, tuple(spoken), words)
