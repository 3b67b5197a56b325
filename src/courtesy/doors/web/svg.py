"""Elements of inline SVG; what they say is escaped."""

from collections.abc import Iterable

from markupsafe import Markup


def element(name: str, *inside: Markup | str, **attributes: object) -> Markup:
    """One element; ``class_`` stands for ``class``, ``text_anchor`` for ``text-anchor``."""
    pairs = ((key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items())
    told = Markup(" ").join(Markup('{}="{}"').format(key, value) for key, value in pairs)
    return Markup("<{} {}>{}</{}>").format(name, told, Markup().join(inside), name)


def drawing(parts: Iterable[Markup], height: int, kind: str, text: str = "") -> Markup:
    """A picture as wide as there is room; ``text`` says it to who cannot see it."""
    said = {"role": "img", "aria_label": text} if text else {"aria_hidden": "true"}
    return element("svg", *parts, class_=kind, width="100%", height=height, **said)


def position(percent: float) -> str:
    """A place across, in percent of the width."""
    return f"{percent:.2f}%"
