"""Deterministic buckets: GrowthBook's hash, version 2, over whole columns.

Source: GrowthBook SDK specification, "hash" and "getBucketRange"
(https://docs.growthbook.io/lib/build-your-own): ``n = fnv1a32(str(fnv1a32(seed + value)))`` and the
bucket is ``(n mod 10000) / 10000``.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
import polars as pl

_OFFSET = np.uint32(2166136261)
_PRIME = np.uint32(16777619)
_ZERO = np.uint32(ord("0"))
_TEN = np.uint32(10)
_BUCKETS = 10_000
_LOW_DIGITS = (1_000, 100, 10, 1)
_WEIGHT_TOLERANCE = 0.01
_CHUNK = 8_192

Bytes = npt.NDArray[np.uint8]
Hashes = npt.NDArray[np.uint32]


class Units:
    """The identifiers of n units, encoded once for any number of seeds.

    Args:
        values: n identifiers.
    """

    def __init__(self, values: Sequence[str] | pl.Series) -> None:
        self._columns, self._lengths = _columns(pl.Series(values, dtype=pl.String))
        self._shortest = int(self._lengths.min(initial=len(self._columns)))

    def buckets(self, seed: str) -> npt.NDArray[np.float64]:
        """The bucket in [0, 1) of each unit, in steps of 1/10000.

        Args:
            seed: names the randomisation; another seed is another, independent split.

        Returns:
            n floats; the same seed and value always give the same bucket.
        """
        start, found = _start(seed), np.empty(len(self._lengths))
        for first in range(0, len(found), _CHUNK):
            part = slice(first, first + _CHUNK)
            hashes = _hash_of_digits(self._hash(start, part))
            np.divide(hashes % np.uint32(_BUCKETS), _BUCKETS, out=found[part])
        return found

    def _hash(self, start: np.uint32, part: slice) -> Hashes:
        """FNV-1a, 32 bits (Fowler, Noll, Vo); what fits the processor's cache at a time."""
        lengths = self._lengths[part]
        state = np.full(len(lengths), start)
        for number, column in enumerate(self._columns[:, part]):
            _mix(state, column, where=number < self._shortest or lengths > number)
        return state


def buckets(seed: str, values: Sequence[str] | pl.Series) -> npt.NDArray[np.float64]:
    """``Units(values).buckets(seed)``, for those who have one seed only."""
    return Units(values).buckets(seed)


def ranges(
    arms: int, coverage: float = 1.0, weights: Sequence[float] | None = None
) -> list[tuple[float, float]]:
    """The bucket range of each arm, by GrowthBook's getBucketRange.

    Args:
        arms: how many arms there are.
        coverage: the share of all units that takes part; clipped to 0 to 1.
        weights: one share for each arm; as in the specification, shares that are absent, of
            another number than the arms or do not add up to one count as equal.

    Returns:
        A (from, to) pair for each arm; raising coverage never moves a unit to another arm.
    """
    shares = list(weights or ())
    if len(shares) != arms or abs(sum(shares) - 1) > _WEIGHT_TOLERANCE:
        shares = [1 / arms] * arms
    taken = min(max(coverage, 0.0), 1.0)
    starts = [sum(shares[:arm]) for arm in range(arms)]
    return [(start, start + taken * share) for start, share in zip(starts, shares, strict=True)]


def choose(
    bucket: npt.NDArray[np.float64], arms: Sequence[tuple[float, float]]
) -> npt.NDArray[np.int64]:
    """The arm of each bucket, from 0; -1 where no range holds it.

    Args:
        bucket: n buckets in [0, 1).
        arms: the (from, to) ranges; ``from`` belongs to the range, ``to`` does not.
    """
    chosen = np.full(len(bucket), -1, dtype=np.int64)
    for arm, (start, end) in reversed(list(enumerate(arms))):
        chosen[(bucket >= start) & (bucket < end)] = arm
    return chosen


def _start(seed: str) -> np.uint32:
    state = int(_OFFSET)
    for byte in seed.encode():
        state = ((state ^ byte) * int(_PRIME)) & 0xFFFFFFFF
    return np.uint32(state)


def _columns(values: pl.Series) -> tuple[Bytes, npt.NDArray[np.int64]]:
    """Byte 0 of all values, then byte 1 of all …, and the number of bytes of each value."""
    _, ends, data = values.to_arrow(compat_level=pl.CompatLevel.oldest()).buffers()
    if ends is None or not len(values):
        return np.zeros((0, len(values)), np.uint8), np.zeros(len(values), np.int64)
    offsets = np.frombuffer(ends, np.int64, len(values) + 1)
    text = np.frombuffer(data or b"", np.uint8)[offsets[0] : offsets[-1]]
    lengths = np.diff(offsets)
    longest = int(lengths.max())
    if len(text) == len(values) * longest:
        return np.ascontiguousarray(text.reshape(len(values), longest).T), lengths
    rows = np.zeros((len(values), longest), np.uint8)
    rows[np.arange(longest) < lengths[:, None]] = text
    return np.ascontiguousarray(rows.T), lengths


def _mix(
    state: Hashes, more: Bytes | Hashes, *, where: npt.NDArray[np.bool_] | bool = True
) -> None:
    np.bitwise_xor(state, more, out=state, where=where)
    np.multiply(state, _PRIME, out=state, where=where)


def _hash_of_digits(numbers: Hashes) -> Hashes:
    """FNV-1a of each number as decimal text: its high digits by table, then the last four."""
    high, low = np.divmod(numbers, np.uint32(_BUCKETS))
    table = _hashes_of_short_numbers()
    state = table[high]
    for power in _LOW_DIGITS:
        _mix(state, low // np.uint32(power) % _TEN + _ZERO)
    short = high == 0
    state[short] = table[low[short]]
    return state


@cache
def _hashes_of_short_numbers() -> Hashes:
    """FNV-1a of the decimal text of 0, 1, 2 … up to the high digits of the largest number."""
    numbers = np.arange((1 << 32) // _BUCKETS + 1, dtype=np.uint32)
    digits = numbers % _TEN + _ZERO
    hashes = (_OFFSET ^ digits) * _PRIME
    for length in range(1, 6):
        longer = slice(10**length, 10 ** (length + 1))
        hashes[longer] = (hashes[numbers[longer] // _TEN] ^ digits[longer]) * _PRIME
    return hashes
