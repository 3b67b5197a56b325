"""One line of text, as a header or a name needs it, with every letter that people write.

What joins or directs letters stays: the joiners of emoji, Persian and Sinhala, tag characters,
marks of direction, soft hyphens and spaces that do not break (Unicode categories Cf, Zs and Mn).
"""

import re

_BREAKS = "\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029"
_BROKEN = re.compile(f" *[{_BREAKS}][ {_BREAKS}]*")
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def one_line(text: str) -> str:
    """The text with a space for each line break or tab, and without other controls.

    Controls (category Cc), line and paragraph separators (Zl, Zp) and surrogates (Cs) go, and
    spaces at both ends; everything else stays as it is.
    """
    if not text.isprintable():
        text = _FORBIDDEN.sub("", _BROKEN.sub(" ", text))
    return text.strip(" ")


def is_one_line(text: str) -> bool:
    """Whether a text is one line already, with something in it that can be seen."""
    return not _FORBIDDEN.search(text) and any(
        letter.isprintable() and letter != " " for letter in text
    )
