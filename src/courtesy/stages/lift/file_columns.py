"""Which columns of outside data an option means."""

from courtesy.ground.primitives.errors import DataError
from courtesy.stages.lift.file_statement import Measured
from courtesy.stages.lift.model import MEAN, PROPORTION, RATIO
from courtesy.stages.lift.source import Source

_MOST_SHOWN = 50


def metric(source: Source, text: str) -> tuple[Measured, str | None]:
    """A metric, with the kind that it is asked for as.

    Args:
        source: the file.
        text: a column, also with ``:mean`` or ``:proportion``, or ``NUM/DEN``. A column of that
            very name is meant before anything else.

    Raises:
        DataError: it names a column that is not there.
    """
    if text in source.columns:
        return Measured(text, text), None
    name, _, kind = text.rpartition(":")
    if name and kind in {MEAN, PROPORTION}:
        return Measured(column(source, name, "--metric"), name), kind
    top, bottom = _ratio(source, text)
    return Measured(
        text, column(source, top, "--metric"), column(source, bottom, "--metric")
    ), RATIO


def column(source: Source, name: str, option: str) -> str:
    """The name of a column that is there.

    Raises:
        DataError: it is not there; with the option that asked for it and what there is.
    """
    if name not in source.columns:
        known = ", ".join(source.columns[:_MOST_SHOWN])
        more = len(source.columns) - _MOST_SHOWN
        rest = f" and {more} more" if more > 0 else ""
        raise DataError(f"There is no column {name!r}; there are: {known}{rest}.", place=option)
    return name


def _ratio(source: Source, text: str) -> tuple[str, str]:
    """Both names of ``NUM/DEN``, which may have slashes of their own."""
    slashes = [place for place, letter in enumerate(text) if letter == "/"]
    pairs = [(text[:place], text[place + 1 :]) for place in slashes] or [(text, "")]
    there = (pair for pair in pairs if set(pair) <= set(source.columns))
    return next(there, pairs[0])
