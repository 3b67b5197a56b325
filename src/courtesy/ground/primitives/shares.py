"""Shares as people write them."""

from courtesy.ground.primitives.errors import InputError


def percent(text: object) -> float:
    """The share, 0 to 1, that a text such as ``10%`` names.

    Raises:
        InputError: it is not a number followed by %, or not between 0 and 100.
    """
    number = str(text).strip().removesuffix("%")
    try:
        share = float(number) / 100 if str(text).strip().endswith("%") else float("nan")
    except ValueError:
        share = float("nan")
    if not 0 <= share <= 1:
        raise InputError(f"A share is written from 0% to 100%, such as 10%; found {text!r:.60}.")
    return share
