"""Deterministic buckets: GrowthBook's hash, version 2, over whole columns.

Source: GrowthBook SDK specification, "hash" and "getBucketRange"
(https://docs.growthbook.io/lib/build-your-own): ``n = fnv1a32(str(fnv1a32(seed + value)))`` and the
bucket is ``(n mod 10000) / 10000``.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_OFFSET = np.uint32(2166136261)
_PRIME = np.uint32(16777619)
_BUCKETS = 10_000
_WEIGHT_TOLERANCE = 0.01

Bytes = npt.NDArray[np.uint8]
Hashes = npt.NDArray[np.uint32]


def buckets(seed: str, values: Sequence[str]) -> npt.NDArray[np.float64]:
    """The bucket in [0, 1) of each value, in steps of 1/10000.

    Args:
        seed: names the randomisation; another seed is another, independent split.
        values: n identifiers of the units.

    Returns:
        n floats; the same seed and value always give the same bucket.
    """
    if not len(values):
        return np.empty(0)
    first = _fnv1a(_matrix(values), _start(seed))
    second = _fnv1a(_digits(first), _OFFSET)
    return np.asarray(second % np.uint32(_BUCKETS) / _BUCKETS, dtype=np.float64)


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


def _matrix(values: Sequence[str]) -> tuple[Bytes, npt.NDArray[np.int64]]:
    encoded = [value.encode() for value in values]
    packed = np.array(encoded, dtype=np.bytes_)
    lengths = np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded))
    width = max(packed.dtype.itemsize, 1)
    return packed.view(np.uint8).reshape(len(encoded), width), lengths


def _digits(numbers: Hashes) -> tuple[Bytes, npt.NDArray[np.int64]]:
    packed = numbers.astype(np.bytes_)
    lengths = np.char.str_len(packed).astype(np.int64)
    return packed.view(np.uint8).reshape(len(numbers), packed.dtype.itemsize), lengths


def _fnv1a(text: tuple[Bytes, npt.NDArray[np.int64]], start: np.uint32) -> Hashes:
    """FNV-1a over the rows of a byte matrix, 32 bits (Fowler, Noll, Vo)."""
    matrix, lengths = text
    state = np.full(len(matrix), start, dtype=np.uint32)
    for column in range(matrix.shape[1]):
        mixed = (state ^ matrix[:, column]) * _PRIME
        state = np.where(column < lengths, mixed, state)
    return state
