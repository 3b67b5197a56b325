"""Templates: what authors write in, checked and parsed templates out.

A template is the file ``templates/NAME.mjml`` or ``templates/NAME.html``: YAML between two lines
``---``, then the body in Liquid. Beside it may stand ``templates/NAME.txt``, the text part; without
it the text part is made from the HTML.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from liquid import BoundTemplate
from pydantic import Field

from courtesy.ground.definitions import Model, check, read_yaml
from courtesy.ground.primitives.errors import DefinitionError
from courtesy.stages.messages.compile import compiled
from courtesy.stages.messages.dialect import parse_html, parse_text

MARKETING: Final = "marketing"
SERVICE: Final = "service"
_FRONT = re.compile(r"\A---[ \t]*\r?\n(.*?\r?\n)---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_REQUIRED = ("unsubscribe_url", "postal_address")


class Front(Model):
    """What stands above the body.

    ``subject`` and ``preheader`` are Liquid; ``purpose: service`` is for messages that are no
    marketing, and may only be used with the ``service_topics`` of the policy.
    """

    subject: Annotated[str, Field(min_length=1)]
    preheader: str = ""
    purpose: Literal["marketing", "service"] = MARKETING


@dataclass(frozen=True, eq=False)
class Template:
    """One version of a template, parsed."""

    name: str
    purpose: str
    subject: BoundTemplate
    html: BoundTemplate
    text: BoundTemplate


def check_template(name: str, source_name: str, text: str, plain_text: str | None) -> Template:
    """Parse a template.

    Args:
        name: how journeys call it.
        source_name: the file's name to show in messages; ``.mjml`` is MJML, else HTML.
        text: the file.
        plain_text: the ``.txt`` file beside it, if there is one.

    Raises:
        DefinitionError: the front matter, the Liquid or the markup is wrong, or a marketing
            template shows no ``{{ unsubscribe_url }}`` or no ``{{ postal_address }}``.
    """
    found = _FRONT.match(text)
    if not found:
        detail = "It begins with a line ---, the fields subject and preheader, and a line ---."
        raise DefinitionError(detail, place=f"{source_name}:1")
    document = read_yaml(source_name, f"---\n{found[1]}")
    front = check(Front, document)
    line = text.count("\n", 0, found.end()) + 1
    body = text[found.end() :]
    parse_html(body, source_name, line)
    parse_text(front.preheader, document.place(("preheader",)))
    html, derived = compiled(body, front.preheader, source_name, line)
    template = Template(
        name=name,
        purpose=front.purpose,
        subject=parse_text(front.subject, document.place(("subject",))),
        html=parse_html(html, source_name, line),
        text=_plain(source_name, plain_text, derived),
    )
    return _lawful(template, source_name)


def _plain(source_name: str, written: str | None, derived: str) -> BoundTemplate:
    beside = f"{source_name.rpartition('.')[0]}.txt"
    if written is not None:
        return parse_text(written, beside)
    try:
        return parse_text(derived, source_name)
    except DefinitionError as error:
        detail = f"No text part can be made from it ({error.detail}); write {beside} beside it."
        raise DefinitionError(detail, place=source_name) from None


def _lawful(template: Template, source_name: str) -> Template:
    parts = {"HTML": template.html, "text": template.text}
    for part, parsed in parts.items():
        shown = parsed.global_variables()
        missing = [name for name in _REQUIRED if name not in shown]
        if missing and template.purpose == MARKETING:
            detail = f"The {part} part of every marketing message shows {{{{ {missing[0]} }}}}."
            raise DefinitionError(detail, place=f"{source_name}:1")
    return template
