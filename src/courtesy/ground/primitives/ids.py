"""Identities that are a pure function of what they name, so that repeating adds nothing."""

import hmac
from hashlib import blake2b

_SEPARATOR = "\x1f"
_ESCAPE = "\x1e"


def digest(*parts: str) -> str:
    """A 128-bit hexadecimal id of the parts, in order (BLAKE2b, RFC 7693)."""
    return blake2b(_joined(parts), digest_size=16).hexdigest()


def keyed_digest(key: bytes, *parts: str) -> str:
    """A 128-bit id that nobody without ``key`` can compute or test guesses against.

    ``key`` is 16 to 64 bytes.
    """
    return blake2b(_joined(parts), digest_size=16, key=key).hexdigest()


def same(left: str, right: str) -> bool:
    """Whether two digests are equal, in time that does not tell where they differ."""
    return hmac.compare_digest(left.encode(), right.encode())


def _joined(parts: tuple[str, ...]) -> bytes:
    """Other parts give other bytes, even where a part holds the separator."""
    return _SEPARATOR.join(map(_escaped, parts)).encode()


def _escaped(part: str) -> str:
    return part.replace(_ESCAPE, _ESCAPE * 2).replace(_SEPARATOR, _ESCAPE + _SEPARATOR)
