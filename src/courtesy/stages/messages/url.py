"""Where a browser goes from an address as somebody wrote it (WHATWG, URL Standard)."""

import re

from ada_url import URL

C0_AND_SPACE = "".join(map(chr, range(0x21)))
_IGNORED = re.compile("[\t\n\r]")
_FOLLOWED = ("http:", "https:")
_DANGEROUS = ("javascript:", "vbscript:", "data:")


def web_address(written: str) -> str | None:
    """The http or https address that a browser makes of what was written; None of all else.

    Ends are stripped, tabs and line breaks go, hosts become ASCII (UTS 46), and what may not stand
    in a path, query or fragment is percent-encoded; what is encoded already stays.
    """
    try:
        found = URL(written.encode(errors="ignore").decode())  # a surrogate is no letter
    except ValueError:
        return None
    if found.protocol not in _FOLLOWED:
        return None
    bare = found.href == f"{written}/"  # the root's slash says nothing: what was written is known
    return written if bare else str(found.href)


def runs_script(written: str) -> bool:
    """Whether a browser would run an address, or show it as a page of its own making."""
    scheme = _IGNORED.sub("", written.lstrip(C0_AND_SPACE))
    return scheme.lower().startswith(_DANGEROUS)
