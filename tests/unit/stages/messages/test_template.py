import pytest

from courtesy.ground.primitives.errors import DefinitionError
from courtesy.stages.messages.template import Template, check_template

FRONT = "---\nsubject: Hi {{ first_name }}\npreheader: Look\n---\n"
FOOT = '<p><a href="{{ unsubscribe_url }}">Unsubscribe</a> {{ postal_address }}</p>\n'
MJML = (
    "<mjml><mj-body><mj-section><mj-column>{body}"
    '<mj-text><a href="{{{{ unsubscribe_url }}}}">No more</a> {{{{ postal_address }}}}</mj-text>'
    "</mj-column></mj-section></mj-body></mjml>"
)
FACTS = {"unsubscribe_url": "https://b.example/u/t", "postal_address": "1 Main Street"}


def html(body: str, front: str = FRONT) -> Template:
    return check_template("hello", "templates/hello.html", front + body + FOOT, None)


def mjml(body: str) -> Template:
    return check_template("hello", "templates/hello.mjml", FRONT + MJML.format(body=body), None)


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("", "templates/hello.html:1", "begins with a line ---"),
        ("---\nsubject: x\n", "templates/hello.html:1", "begins with a line ---"),
        ("---\npreheader: x\n---\n", "templates/hello.html:2: subject", "required"),
        ("---\nsubject: x\ntopic: y\n---\n", "templates/hello.html:3: topic", "no field"),
        ("---\nsubject: [x]\n---\n", "templates/hello.html:2: subject", "valid string"),
        ("---\nsubject: '{{ x'\n---\n", "templates/hello.html:2: subject:1", "expected '}}'"),
        (FRONT + "<p>\n{{ x | shout }}\n</p>", "templates/hello.html:6", "no filter 'shout'"),
        (FRONT + "<p>\n\n{% shout %}", "templates/hello.html:7", "unexpected tag 'shout'"),
        (FRONT + "{% if a %}", "templates/hello.html:5", "endif"),
        (FRONT + "{% include 'x' %}", "templates/hello.html:5", "unexpected tag 'include'"),
        (FRONT + "\n<p {% if a %}id='x'{% endif %}>", "templates/hello.html:6", "cannot stand"),
        (FRONT + "<table>{{ rows }}</table>", "templates/hello.html:1", "unsubscribe_url"),
        (FRONT + "{{ unsubscribe_url }}", "templates/hello.html:1", "postal_address"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, place: str, said: str) -> None:
    with pytest.raises(DefinitionError) as refusal:
        check_template("hello", "templates/hello.html", text, None)
    assert refusal.value.place == place
    assert said in refusal.value.detail


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<mj-text>x", "end of stream"),
        ("<mj-txt>x</mj-txt>", "no element <mj-txt>"),
        ('<mj-include path="/etc/passwd" />', "include"),
    ],
)
def test_mjml_that_is_wrong_is_told_with_its_place(body: str, said: str) -> None:
    with pytest.raises(DefinitionError) as refusal:
        mjml(body)
    assert refusal.value.place == "templates/hello.mjml:5"
    assert said in refusal.value.detail


def test_a_text_part_of_its_own_must_be_lawful_too() -> None:
    text = FRONT + FOOT
    with pytest.raises(DefinitionError) as refusal:
        check_template("hello", "templates/hello.html", text, "Hello\n{{ unsubscribe_url }}")
    assert "text part" in refusal.value.detail
    with pytest.raises(DefinitionError) as refusal:
        check_template("hello", "templates/hello.html", text, "Hello\n{{ x | shout }}")
    assert refusal.value.place == "templates/hello.txt:2"


def test_a_service_template_needs_no_way_out() -> None:
    front = "---\nsubject: Receipt\npurpose: service\n---\n"
    found = check_template("hello", "templates/hello.html", front + "<p>Thanks</p>", None)
    assert found.purpose == "service"


def test_styles_move_into_the_elements_and_media_queries_stay() -> None:
    css = "<style>.a { color: red } @media (max-width: 9px) { .a { color: blue } }</style>"
    shown = html(css + '<p class="a">x</p>').html.render(FACTS)
    assert '<p class="a" style="color: red;">x</p>' in shown
    assert "@media" in shown


def test_no_style_sheet_is_fetched(tmp_path: object) -> None:
    shown = html(f'<link rel="stylesheet" href="file://{tmp_path}/x.css"><p>x</p>')
    assert "<p>x</p>" in shown.html.render(FACTS)


def test_liquid_survives_mjml() -> None:
    body = (
        '{% if vip %}<mj-text>Dear {{ name | upcase }} <b class="{{ kind }}">!</b></mj-text>'
        '{% endif %}<mj-button href="https://x.example/?a={{ n }}&b=1">Go</mj-button>'
        "<mj-table>{% for i in items %}<tr><td>{{ i }}</td></tr>{% endfor %}</mj-table>"
    )
    facts = FACTS | {"vip": True, "name": "Ana", "kind": "k", "n": 3, "items": [7, 8]}
    shown = mjml(body).html.render(facts)
    assert 'Dear ANA <b class="k">!</b>' in shown
    assert 'href="https://x.example/?a=3&amp;b=1"' in shown
    assert shown.index(">7</td>") < shown.index(">8</td>")
    assert "Dear" not in mjml(body).html.render(facts | {"vip": False})
    assert "fonts.googleapis" not in shown


def test_the_text_part_follows_the_html() -> None:
    body = (
        "{% if vip %}<mj-text>Dear {{ name }}</mj-text>{% endif %}"
        "<mj-table>{% for i in items %}<tr><td>{{ i }}</td></tr>{% endfor %}</mj-table>"
    )
    template = mjml(body)
    facts = FACTS | {"vip": True, "name": "<Ana>", "items": [7, 8]}
    assert template.text.render(facts).split("\n") == [
        "Dear <Ana>",
        "7",
        "8",
        "[No more](https://b.example/u/t) 1 Main Street",
        "",
    ]
    assert "Dear" not in template.text.render(facts | {"vip": False})


def test_the_preheader_is_there_and_hidden() -> None:
    shown = html("<p>x</p>").html.render(FACTS)
    assert shown.index("display:none") < shown.index("Look") < shown.index("<p>x</p>")


def test_a_condition_around_half_a_table_is_refused() -> None:
    with pytest.raises(DefinitionError) as refusal:
        html("<table>{% if a %}<tr><td>x</td></tr></table>{% endif %}<style>{% if a %}</style>")
    assert refusal.value.place.startswith("templates/hello.html:")
