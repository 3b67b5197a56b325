"""The Liquid that templates are written in: bounded, without the machine's clock.

``now`` and ``today``, also in ``{{ "now" | date: "%Y" }}``, are the instant of the message.
"""

import html
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TextIO

from liquid import BlockNode, BoundTemplate, Environment, Node, RenderContext, Tag, TokenStream
from liquid.builtin.filters.misc import date
from liquid.exceptions import LiquidError
from liquid.filter import with_context, with_environment
from liquid.parser import get_parser
from liquid.token import TOKEN_EOF, TOKEN_TAG, Token

from courtesy.ground.primitives.errors import DefinitionError, InputError
from courtesy.stages.messages.url import C0_AND_SPACE, runs_script, web_address

LINK_NAME = "courtesy_link"
_LINK_END = f"end{LINK_NAME}"
_NOW = ("now", "today")
_LONGEST = 2_000_000
_PARTIALS = ("include", "render")


class _Bounded(Environment):
    """Liquid whose templates end, whatever they are given.

    Liquid's own limit on the output costs a third of a rendering, so ``filled`` looks at the
    result instead; these two keep it from growing without end before that.
    """

    loop_iteration_limit = 1_000
    local_namespace_limit = 200_000


class _LinkNode(Node):
    """A link whose address is known only when it is rendered."""

    __slots__ = ("block",)

    def __init__(self, token: Token, block: BlockNode) -> None:
        super().__init__(token)
        self.block = block
        self.blank = False

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Write the address of the block, led over the counting of clicks."""
        written = context.get_buffer(buffer)
        self.block.render(context, written)
        target = html.unescape(written.getvalue()).strip(C0_AND_SPACE)
        return buffer.write(html.escape(_tracked(context, target)))

    def children(
        self,
        static_context: RenderContext,  # noqa: ARG002 - Liquid's signature
        *,
        include_partials: bool = True,  # noqa: ARG002 - Liquid's signature
    ) -> Iterable[Node]:
        """The nodes of the block."""
        yield self.block


class _LinkTag(Tag):
    name = LINK_NAME
    end = _LINK_END

    def parse(self, stream: TokenStream) -> _LinkNode:
        token = stream.eat(TOKEN_TAG)
        block = get_parser(self.env).parse_block(stream, frozenset((_LINK_END, TOKEN_EOF)))
        stream.expect(TOKEN_TAG, value=_LINK_END)
        return _LinkNode(token, block)


def _tracked(context: RenderContext, target: str) -> str:
    lead: Callable[[str], str] | None = context.globals.get(LINK_NAME)  # type: ignore[assignment]  # render.py puts it there
    if runs_script(target):
        return "#"
    address = web_address(target)
    if address is None or target == context.globals.get("unsubscribe_url"):
        return target
    return lead(address) if lead else address


@with_context
@with_environment
def _date(
    value: object, layout: str, *, context: RenderContext, environment: Environment
) -> object:
    moment = context.globals.get("now") if value in _NOW else value
    return date(moment, layout, environment=environment)


def _environment(*, escaping: bool) -> Environment:
    environment = _Bounded(autoescape=escaping)
    environment.add_tag(_LinkTag)
    environment.add_filter("date", _date)
    for name in _PARTIALS:
        del environment.tags[name]
    return environment


_HTML = _environment(escaping=True)
_TEXT = _environment(escaping=False)


def parse_html(liquid: str, source: str, line: int = 1) -> BoundTemplate:
    """Liquid whose values are escaped for HTML.

    Args:
        liquid: the template.
        source: the name to show in messages.
        line: on which line of ``source`` the template begins.

    Raises:
        DefinitionError: it is not Liquid, or names a tag or filter that does not exist.
    """
    return _parse(_HTML, liquid, source, line)


def parse_text(liquid: str, source: str, line: int = 1) -> BoundTemplate:
    """Liquid whose values are written as they are; see ``parse_html``.

    Raises:
        DefinitionError: it is not Liquid, or names a tag or filter that does not exist.
    """
    return _parse(_TEXT, liquid, source, line)


def filled(template: BoundTemplate, facts: Mapping[str, Any], part: str) -> str:
    """A template with its values.

    Args:
        template: of ``parse_html`` or ``parse_text``.
        facts: what it may name.
        part: what it is a part of, to show in messages.

    Raises:
        InputError: it cannot be filled with these facts; the detail is Liquid's own sentence.
    """
    try:
        text = template.render(facts)
    except LiquidError as error:
        raise InputError(f"{error.message}", place=part) from None
    except Exception as error:  # noqa: BLE001 - a filter met a value that Liquid did not foresee
        raise InputError(f"{type(error).__name__}: {error}", place=part) from None
    if len(text) > _LONGEST:
        raise InputError(f"It came out with {len(text):,} characters, over a limit.", place=part)
    return text


def _parse(environment: Environment, liquid: str, source: str, line: int) -> BoundTemplate:
    try:
        parsed = environment.from_string(liquid, name=source)
    except LiquidError as error:
        found = error.context()
        place = f"{source}:{line + (found[0] - 1 if found else 0)}"
        raise DefinitionError(f"{error.message}.", place=place) from None
    for name, spans in parsed.analyze().filters.items():
        if name not in environment.filters:
            place = f"{source}:{line + liquid.count(chr(10), 0, spans[0].index)}"
            raise DefinitionError(f"There is no filter {name!r}.", place=place)
    return parsed
