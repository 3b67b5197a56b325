"""From what an author writes to what is rendered for each person: MJML or HTML to inlined HTML.

Everything that needs a parser happens here, once for each version of a template: MJML
(https://documentation.mjml.io), styles moved into the elements (mail clients ignore style sheets),
the hidden preheader, links led over the counting of clicks, the picture that tells of opening, and
the text part.
"""

import html
import re

import css_inline
import mrml
from inscriptis import get_text
from inscriptis.model.config import ParserConfig

from courtesy.ground.primitives.errors import DefinitionError
from courtesy.stages.messages.dialect import LINK_NAME
from courtesy.stages.messages.guard import Guard
from courtesy.stages.messages.url import runs_script, web_address

_ANCHOR = re.compile(
    r'(<a(?=\s)(?:\s+[^\s=>"/]+(?:="[^"]*")?)*?\s+href=")([^"]*)(")', re.IGNORECASE
)
_LINK = re.compile(
    r'(<a(?=\s)(?:[^>"]|"[^"]*")*\shref="[^"]*"(?:[^>"]|"[^"]*")*>)(.*?)(</a>)',
    re.IGNORECASE | re.DOTALL,
)
_ALT = re.compile(r'<img(?=\s)(?:[^>"]|"[^"]*")*?\salt="([^"]*)"', re.IGNORECASE)
_TAGS = re.compile(r'<!--.*?-->|<(?:[^>"]|"[^"]*")*>', re.DOTALL)
_BODY = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
_MJML = re.compile(r"<(mj-[\w-]+)")
_HIDDEN = "display:none;max-height:0;overflow:hidden;mso-hide:all"
_PIXEL = '<img src="{{ open_url }}" width="1" height="1" alt="" style="display:block;border:0">'
_INLINER = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)
_SEALED = mrml.ParserOptions(include_loader=mrml.noop_loader())
_WITHOUT_FONTS = mrml.RenderOptions(fonts={})
_PLAIN = ParserConfig(display_links=True, table_cell_separator=" ")


def compiled(body: str, preheader: str, source: str, line: int) -> tuple[str, str]:
    """The Liquid of the HTML part and of the text part.

    Args:
        body: MJML or HTML with Liquid in it.
        preheader: Liquid shown beside the subject in an inbox; may be empty.
        source: the name of the file; ``.mjml`` is MJML.
        line: on which line of it the body begins.

    Raises:
        DefinitionError: the markup cannot be parsed, or Liquid stands where it cannot survive.
    """
    guard, hidden = Guard.of(body, source, line)
    page = _page(hidden, source, line)
    guard.check(page)
    text = guard.restored(guard.joined(_plain(guard.words(_name_pictures(page)))))
    linked = guard.restored(_ANCHOR.sub(lambda found: _led(found, guard), page))
    return _dressed(linked, preheader), text


def _page(markup: str, source: str, line: int) -> str:
    place = f"{source}:{line}"
    try:
        if source.endswith(".mjml"):
            markup = mrml.to_html(markup, _SEALED, _WITHOUT_FONTS).content
        page = _INLINER.inline(markup)
    except (OSError, ValueError, css_inline.InlineError) as error:
        raise DefinitionError(f"{error}.", place=place) from None
    unknown = _MJML.search(page)
    if unknown:
        raise DefinitionError(f"MJML has no element <{unknown[1]}>.", place=place)
    return page


def _led(anchor: re.Match[str], guard: Guard) -> str:
    target = html.unescape(anchor[2])
    other = guard.mark not in target and not runs_script(target) and web_address(target) is None
    if other or guard.holds(target, "unsubscribe_url"):
        return anchor[0]
    return f"{anchor[1]}{{% {LINK_NAME} %}}{anchor[2]}{{% end{LINK_NAME} %}}{anchor[3]}"


def _name_pictures(page: str) -> str:
    """The page with the words of pictures that are links, where no other words tell what of."""
    return _LINK.sub(lambda link: link[1] + _words_of(link[2]) + link[3], page)


def _words_of(linked: str) -> str:
    if html.unescape(_TAGS.sub("", linked)).strip():
        return linked
    return " ".join(words for words in _ALT.findall(linked) if words.strip()) or linked


def _href_of_browsers(anchor: re.Match[str]) -> str:
    address = web_address(html.unescape(anchor[2]))
    return f"{anchor[1]}{html.escape(address)}{anchor[3]}" if address else anchor[0]


def _plain(page: str) -> str:
    text = get_text(_ANCHOR.sub(_href_of_browsers, page), _PLAIN)
    lines = (re.sub(r"[ \t]+", " ", line).strip(" \t\r") for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def _dressed(page: str, preheader: str) -> str:
    if preheader:
        shown = f'<div style="{_HIDDEN}">{preheader}</div>'
        page = _BODY.sub(lambda body: body[0] + shown, page, count=1)
    head, end, tail = page.rpartition("</body>")
    return f"{head}{_PIXEL}{end}{tail}"
