"""A letter is looked at before anybody gets it."""

import socket
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler
from pydantic import SecretStr

from courtesy import workspace
from courtesy.app import App, Settings, make_home, open_app
from courtesy.flow import absorb
from courtesy.flow.preview import preview, send_test
from courtesy.ground.primitives.errors import InputError, NotFoundError
from courtesy.stages.events import Accepted, collect
from courtesy.stages.events import store as events_store

FILES = {
    "policy.yaml": "sender: {name: Brand, address: hello@brand.example}\n"
    "postal_address: 1 Main Street\ntesters: [tester@brand.example]\n",
    "templates/hello.html": "---\nsubject: Your {{ event.product }}, {{ first_name }}\n---\n"
    '<p>{{ postal_address }} <a href="{{ unsubscribe_url }}">stop</a></p>\n',
    "journeys/bought.yaml": "journey: bought\ntopic: offers\nentry: {event: Order Completed}\n"
    "steps: [{wait: 1d}, {send: {template: hello}}]\n",
}
CALLS = b"""{"batch": [
 {"type": "identify", "userId": "ana", "traits": {"first_name": "Ana", "email": "a@x.example"}},
 {"type": "track", "userId": "ana", "event": "Order Completed", "properties": {"product": "mug"}}
]}"""


class Inbox(MessageHandler):
    """Keeps what arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.letters: list[Message] = []

    def handle_message(self, message: Message) -> None:
        self.letters.append(message)


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, int]]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = int(listening.getsockname()[1])
    handler = Inbox()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, port
    controller.stop()


@pytest.fixture
def app(tmp_path: Path, inbox: tuple[Inbox, int]) -> Iterator[App]:
    url = SecretStr(f"smtp://127.0.0.1:{inbox[1]}")
    settings = Settings(smtp_url=url, public_url="https://brand.example")
    make_home(tmp_path / "home")
    opened = open_app(tmp_path / "home", settings=settings)
    for name, text in FILES.items():
        (tmp_path / "ws" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "ws" / name).write_text(text)
    with opened.ledger.write() as transaction:
        workspace.apply(transaction, tmp_path / "ws", opened.clock.now())
        batch = Accepted("app", opened.clock.now(), collect(CALLS, "batch"), history=True)
        events_store.accept(transaction, [batch])
    absorb(opened)
    yield opened
    opened.close()


def test_a_letter_is_shown_as_its_person_would_get_it(app: App) -> None:
    letter = preview(app, "bought", "ana")
    assert letter.subject == "Your mug, Ana"
    assert "1 Main Street" in letter.html
    assert preview(app, "hello", "ana").subject == "Your , Ana"
    with app.ledger.read() as transaction:
        assert transaction.rows("SELECT * FROM messages") == []
    with pytest.raises(NotFoundError, match="There is: bought, hello"):
        preview(app, "boght", "ana")


def test_a_test_goes_to_testers_and_counts_nowhere(app: App, inbox: tuple[Inbox, int]) -> None:
    send_test(app, "bought", "ana", "tester@brand.example")
    (letter,) = inbox[0].letters
    assert (letter["To"], letter["Subject"]) == ("tester@brand.example", "[Test] Your mug, Ana")
    with app.ledger.read() as transaction:
        assert transaction.rows("SELECT * FROM messages") == []
    with pytest.raises(InputError, match=r"policy.yaml names tester@brand.example"):
        send_test(app, "bought", "ana", "ana@x.example")
