"""What stands in ``{{ }}`` in a journey: the arm of the nearest test before, and its factors."""

import re
from collections.abc import Iterable, Mapping

from courtesy.stages.experiments.model import Experiment
from courtesy.stages.journeys.model import Variant

ARM = "arm"
_PLACEHOLDER = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


def placeholders(text: str) -> list[str]:
    """The names in a text that stand for something, in order."""
    return _PLACEHOLDER.findall(text)


def filled(text: str, words: Mapping[str, str]) -> str:
    """A text with its placeholders replaced; one that is not among ``words`` stays."""
    return _PLACEHOLDER.sub(lambda found: words.get(found[1], found[0]), text)


def variants(experiment: Experiment, template: str, channels: Iterable[str]) -> dict[str, Variant]:
    """What a send says to each arm of an experiment.

    Args:
        experiment: of the nearest test before it.
        template: as it was written, with placeholders or without.
        channels: likewise; those that become the same in an arm count once.
    """
    found: dict[str, Variant] = {}
    for arm in experiment.arms:
        words = {**experiment.levels.get(arm, {}), ARM: arm}
        named = dict.fromkeys(filled(channel, words) for channel in channels)
        found[arm] = Variant(filled(template, words), tuple(named), words)
    return found
