"""What a plan tells of a folder by all that occurred in the home, before anybody stands on it."""

import json
from pathlib import Path

import pytest

from courtesy.app import App, make_home, open_app
from courtesy.flow import absorb
from courtesy.flow.outlook import notices_of
from courtesy.ground.primitives.errors import DefinitionError
from courtesy.stages.events import Accepted, collect
from courtesy.stages.events import store as events_store

POLICY = "sender: {name: Brand, address: hello@brand.example}\npostal_address: 1 Main Street\n"
TEMPLATE = """---
subject: Hello {{ frist_name }}
---
<p>{{ event.productz[0].name }} {{ event.note }} {{ first_name }}
{{ postal_address }} <a href="{{ unsubscribe_url }}">stop</a></p>
"""
JOURNEY = """journey: bought
topic: ofers
entry: {event: Order Completed}
goal: {did: Order Canceled, within: 1d, where: {totl: {gt: 5}}}
steps:
  - wait: 7d
  - branch:
      - if: {trait: tier, is: gold}
        then: [exit, {send: {template: hello}}]
      - if: {trait: tier, is: gold}
        then: [exit]
  - send: {template: hello}
"""
FILES = {
    "policy.yaml": POLICY,
    "journeys/bought.yaml": JOURNEY,
    "templates/hello.html": TEMPLATE,
}


@pytest.fixture
def app(tmp_path: Path) -> App:
    make_home(tmp_path / "home")
    opened = open_app(tmp_path / "home")
    consents = [{"topic": "offers", "channel": "email", "granted": True}]
    calls = [
        {
            "type": "identify",
            "traits": {"first_name": "Ana", "tier": "gold"},
            "context": {"consents": consents},
        },
        {
            "type": "track",
            "event": "Order Completed",
            "properties": {"products": [{"name": "Mug"}]},
        },
        {"type": "track", "event": "Order Cancelled", "properties": {"total": 5}},
    ]
    batch = [{"userId": f"u{n}", **call} for n in range(20) for call in calls]
    body = collect(json.dumps({"batch": batch}).encode(), "batch")
    with opened.ledger.write() as transaction:
        events_store.accept(transaction, [Accepted("app", opened.clock.now(), body)])
    absorb(opened)
    return opened


def told(app: App, folder: Path, files: dict[str, str]) -> list[str]:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    with app.ledger.read() as transaction:
        return [str(one) for one in notices_of(app, transaction, folder)]


def test_slips_of_the_pen_are_told_with_their_place(app: App, tmp_path: Path) -> None:
    found = told(app, tmp_path / "folder", FILES)
    for place, meant in (
        ("journeys/bought.yaml:2: topic", "did you mean 'offers', 20 times?"),
        ("journeys/bought.yaml:4: goal.did", "did you mean 'Order Cancelled', 20 times?"),
        ("templates/hello (in bought)", "did you mean 'first_name', 20 times?"),
        ("templates/hello (in bought)", "did you mean 'products', 20 times?"),
        ("templates/hello (in bought)", "{{ event.note }} is empty for 20 of 20 people."),
        ("journeys/bought.yaml:6: steps[0]", "longer than the 1 days in which the goal counts"),
        (
            "journeys/bought.yaml:10: steps[1].branch[1]",
            "An earlier option has the same condition.",
        ),
        ("steps[1].branch[0].then[1]", "Nobody can come to this step."),
    ):
        assert any(place in one and meant in one for one in found), (place, meant, found)
    assert not any("{{ first_name }} is empty" in one for one in found)


def test_what_is_spelled_right_is_told_nothing_about(app: App, tmp_path: Path) -> None:
    right = {
        "templates/hello.html": TEMPLATE.replace("frist", "first")
        .replace("productz", "products")
        .replace("{{ event.note }}", ""),
        "journeys/bought.yaml": "journey: bought\ntopic: offers\nentry: {event: Order Completed}\n"
        "goal: {did: Order Cancelled, where: {total: {gt: 1}}}\nexit: {did: Never Yet Done}\n"
        "steps: [{send: {template: hello}}]\n",
    }
    assert told(app, tmp_path / "folder", {**FILES, **right}) == []


def test_all_mistakes_of_a_folder_are_told_at_once(app: App, tmp_path: Path) -> None:
    wrong = {
        "audiences/vip.yaml": "audience: vip\nwhen: {trait: tier}\n",
        "journeys/other.yaml": "journey: other\ntopic: offers\nsteps: []\n",
    }
    with pytest.raises(DefinitionError) as error:
        told(app, tmp_path / "folder", {**FILES, **wrong})
    assert "audiences/vip.yaml" in error.value.message
    assert "journeys/other.yaml" in error.value.message
