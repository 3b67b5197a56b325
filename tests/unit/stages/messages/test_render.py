import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import pytest

from courtesy.ground.primitives.errors import InputError
from courtesy.stages.messages.links import LinkKind, Links
from courtesy.stages.messages.model import Letter
from courtesy.stages.messages.policy import Policy
from courtesy.stages.messages.render import render
from courtesy.stages.messages.template import check_template

FOOT = '<a href="{{ unsubscribe_url }}">no</a> {{ postal_address }}'
LINKS = Links(b"k" * 32, "https://b.example/")
MESSAGE = {
    "message_id": "0" * 32,
    "channel": "email",
    "address": "ana@x.example",
    "address_hash": "h",
    "attempts": 0,
    "topic": "offers",
    "journey": "welcome",
    "variant": None,
    "traits": '{"first_name":"Ana","tier":"gold"}',
    "entry": '{"value":12.5,"items":[{"name":"tea"}]}',
}
Write = Callable[..., Letter]


@pytest.fixture
def write(make_policy: Callable[..., Policy], noon: datetime) -> Write:
    def written(body: str, subject: str = "Hi", front: str = "", **known: str) -> Letter:
        text = f"---\nsubject: |\n  {subject}\n{front}---\n{body}{FOOT}"
        template = check_template("t", "templates/t.html", text, None)
        policy = make_policy("service_topics: [receipts]\n")
        return render({**MESSAGE, **known}, template, policy, LINKS, noon)

    return written


def links_of(letter: Letter) -> Mapping[str, str]:
    """What each counted link of a letter leads to."""
    tokens = re.findall(r'href="https://b\.example/c/([^"]+)"', letter.html)
    return {token: LINKS.read(LinkKind.CLICK, token).target for token in tokens}


def test_a_template_knows_the_person_the_event_and_the_journey(write: Write) -> None:
    letter = write(
        "{{ first_name }} {{ person.tier }} {{ event.value }} "
        "{{ event.items[0].name }} {{ journey }}",
        "{{ first_name | default: 'you' }}, {{ nothing }}hello",
    )
    assert "Ana gold 12.5 tea welcome" in letter.html
    assert "Ana gold 12.5 tea welcome" in letter.text
    assert letter.subject == "Ana, hello"


def test_a_template_knows_the_arm_and_the_level_of_each_factor(write: Write) -> None:
    body = (
        "{{ arm }} {{ test.content }} {% if test.offer == 'none' %}plain{% endif %}|{{ test.x }}|"
    )
    told = '{"content":"story","offer":"none","arm":"story+none"}'
    letter = write(body, "For {{ arm }}", variant=told)
    assert "story+none story plain||" in letter.html
    assert letter.subject == "For story+none"


def test_without_a_test_there_is_no_arm(write: Write) -> None:
    traits = '{"arm":"left","test":{"content":"story"}}'
    letter = write("({{ arm }}|{{ test.content }}|{{ arm | default: 'none' }})", traits=traits)
    assert "(||none)" in letter.text


def test_the_clock_of_a_template_is_the_message_s(write: Write) -> None:
    letter = write(
        '{{ "now" | date: "%Y-%m-%d" }} {{ now | date: "%H:%M" }} {{ "2020-01-02" | date: "%d" }}'
    )
    assert "2026-03-04 12:00 02" in letter.html


def test_hostile_traits_stay_text(write: Write) -> None:
    name = "</p><script>alert(1)</script>\\r\\nBcc: eve@x.example\\u2028\\u0007"
    letter = write(
        "<p>{{ first_name }}</p>", "{{ first_name }}", traits=f'{{"first_name":"{name}"}}'
    )
    assert "<script>" not in letter.html
    assert "&lt;script&gt;" in letter.html
    assert letter.subject == "</p><script>alert(1)</script> Bcc: eve@x.example"


def test_hostile_traits_are_not_liquid(write: Write) -> None:
    letter = write(
        "{{ first_name }}", traits='{"first_name":"{{ person.tier }}{% if %}","tier":"x"}'
    )
    assert "{{ person.tier }}{% if %}" in letter.html


def test_traits_cannot_take_the_place_of_what_is_given(write: Write) -> None:
    traits = (
        '{"unsubscribe_url":"https://evil.example","open_url":"x","courtesy_link":"x","now":"x"}'
    )
    letter = write('<a href="https://x.example">x</a>', traits=traits)
    assert "evil.example" not in letter.html
    assert list(links_of(letter).values()) == ["https://x.example"]


def test_links_are_counted_and_lead_where_they_led(write: Write) -> None:
    letter = write(
        '<a title="a>b" class=x href="https://x.example/?a=1&amp;b={{ tier }}">1</a>'
        "<a href='http://y.example/'>2</a><a href=\"{{ site }}/{{ tier }}\">3</a>"
        '<a href="mailto:a@x.example">4</a><a href="app://open">5</a><a name="n">6</a>',
        traits='{"tier":"a&b","site":"https://z.example"}',
    )
    assert sorted(links_of(letter).values()) == [
        "http://y.example/",
        "https://x.example/?a=1&b=a&b",
        "https://z.example/a&b",
    ]
    assert 'href="mailto:a@x.example"' in letter.html
    assert 'href="app://open"' in letter.html
    assert f'href="{letter.unsubscribe_url}"' in letter.html


@pytest.mark.parametrize("written", ["{{ site }}", "https://grün.example/a\n b"])
def test_an_address_is_the_one_that_browsers_go_to(write: Write, written: str) -> None:
    traits = '{"site":"https://grün.example/a\\n b"}'
    letter = write(f'<a href="{written}">x</a>', traits=traits)
    assert list(links_of(letter).values()) == ["https://xn--grn-ioa.example/a%20b"]


def test_the_text_part_shows_addresses_that_lead_there(write: Write) -> None:
    letter = write('<a href="https://grün.example/a\n b">x</a>')
    assert "[x](https://xn--grn-ioa.example/a%20b)" in letter.text


@pytest.mark.parametrize(
    "address",
    ["tel:+4930123", "sms:+49?body=Hi%20there", "brandapp://offers/{{ tier }}", "/a", "#there"],
)
def test_other_addresses_stay_as_they_are(write: Write, address: str) -> None:
    letter = write(f'<a href="{address}">x</a>', traits='{"tier":"a b"}')
    assert f'href="{address.replace("{{ tier }}", "a b")}"' in letter.html
    assert not links_of(letter)


@pytest.mark.parametrize(
    "address", ["java\nscript:alert(1)", "java&Tab;script&colon;alert(1)", "java{{ x }}script:a"]
)
def test_a_script_in_any_spelling_is_closed(write: Write, address: str) -> None:
    letter = write(f'<a href="{address}">x</a>')
    assert 'href="#"' in letter.html


def test_an_address_too_long_to_count_still_leads_there(write: Write) -> None:
    address = f"https://x.example/?{'a' * 7_000}"
    letter = write(f'<a href="{address}">x</a>')
    assert f'href="{address}"' in letter.html


@pytest.mark.parametrize(
    ("linked", "shown"),
    [
        ('<img src="s.png" alt="Red shoes">', "[Red shoes]"),
        ('<img src="s.png" alt="{{ first_name }}\'s a > b">', "[Ana's a > b]"),
        ('<table><tr><td><img src="s.png" alt="A &amp; B"></td></tr></table>', "[A & B]"),
        (
            '<img src="1.png" alt="Two"><img src="2.png" alt=""><img src="3.png" alt="pairs">',
            "[Two pairs]",
        ),
        ('<img src="s.png" alt="Red shoes">Buy', "[Buy]"),
        ('<img src="s.png" alt="">', "[]"),
        ('<img src="s.png">', "[]"),
    ],
)
def test_a_linked_picture_is_told_by_its_words(write: Write, linked: str, shown: str) -> None:
    letter = write(f'<a title="a>b" href="https://x.example/a">{linked}</a>')
    assert f"{shown}(https://x.example/a)" in letter.text.replace("\n", "")


def test_a_trait_is_no_script(write: Write) -> None:
    letter = write('<a href="{{ site }}">x</a>', traits='{"site":" JavaScript:alert(1)"}')
    assert 'href="#"' in letter.html


def test_opening_is_told_by_a_picture_at_the_end(write: Write) -> None:
    letter = write("<p>x</p>")
    (token,) = re.findall(r'<img src="https://b\.example/o/([^"]+)"', letter.html)
    assert LINKS.read(LinkKind.OPEN, token).message_id == "0" * 32
    assert letter.html.rstrip().endswith('style="display:block;border:0"></body></html>')


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{{ event.value | divided_by: 0 }}", "divi"),
        ("{% for i in (1..1000000) %}x{% endfor %}", "limit"),
        (
            "{% for i in (1..900) %}{{ long }}{{ long }}{{ long }}{{ long }}{{ long }}{% endfor %}",
            "limit",
        ),
        ("{{ first_name | truncate: 'x' }}", "truncate"),
    ],
)
def test_what_cannot_be_filled_is_told_in_liquid_s_words(
    write: Write, body: str, said: str
) -> None:
    with pytest.raises(InputError) as refusal:
        write(body, traits='{"first_name":"Ana","long":"' + "x" * 500 + '"}')
    assert said in refusal.value.detail
    assert refusal.value.place == "HTML part"


def test_a_service_template_speaks_only_of_service(write: Write) -> None:
    front = "purpose: service\n"
    assert write("x", front=front, topic="receipts").subject == "Hi"
    with pytest.raises(InputError, match="offers"):
        write("x", front=front)


def test_the_same_facts_give_the_same_letter(write: Write) -> None:
    body = '<a href="https://x.example">{{ first_name }}</a>'
    assert write(body) == write(body)


def test_every_value_of_json_can_be_shown(write: Write) -> None:
    traits: dict[str, Any] = {"traits": '{"a":null,"b":true,"c":[1,"<"],"d":{"e":2},"f":1e3}'}
    letter = write("{{ a }}|{{ b }}|{{ c }}|{{ d.e }}|{{ f }}", **traits)
    assert "|true|1&lt;|2|1000.0" in letter.html
