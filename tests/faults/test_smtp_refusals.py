"""A mail server that says no, and a server that fails: what becomes of each letter."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from email.policy import default

import pytest

from courtesy.stages.messages import Delivery, Email, Letter, Receipt, ReceiptKind, SmtpServer
from courtesy.stages.messages.channels.smtp import kind_of
from courtesy.stages.messages.journal import Journal

HANG_UP = "hang up"
SILENCE = "silence"


@dataclass
class Script:
    """A mail server that answers as it is told; commands are told by the address in them."""

    answers: Mapping[str, str] = field(default_factory=dict)
    greeting: str = "220 here"
    extensions: tuple[str, ...] = ()
    one_letter_each: bool = False
    eager: bool = False
    receiving: bool = False
    taken: list[bytes] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._say(writer, self.greeting)
            while line := await reader.readline():
                await self._hear(line.decode().strip(), reader, writer)
        except (ConnectionError, EOFError):
            pass
        finally:
            writer.close()

    async def _hear(
        self, line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        told = next((said for key, said in self.answers.items() if key in line), None)
        if line.startswith("EHLO"):
            lines = ("mail.example", *self.extensions)
            told = "\r\n".join([*(f"250-{one}" for one in lines[:-1]), f"250 {lines[-1]}"])
        if line.startswith("RCPT"):
            self.receiving = told is None
        if line == "DATA" and told is None:
            told = await self._content(reader, writer)
        if line == "QUIT":
            told = "221 bye"
        await self._say(writer, told or "250 ok")
        if self.one_letter_each and line == "DATA":
            raise EOFError

    async def _content(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> str | None:
        if not self.receiving and not self.eager:
            return "503 no valid recipients"
        await self._say(writer, "354 go on")
        lines = []
        while (line := await reader.readline()) not in {b".\r\n", b""}:
            lines.append(line)
        if not self.receiving:
            return "554 no valid recipients"
        self.taken.append(b"".join(lines))
        return self.answers.get("content")

    async def _say(self, writer: asyncio.StreamWriter, text: str) -> None:
        if text == HANG_UP:
            raise EOFError
        if text == SILENCE:
            await asyncio.Event().wait()
        writer.write(text.encode() + b"\r\n")
        await writer.drain()


Start = Callable[[Script], SmtpServer]
To = Callable[..., list[Letter]]


@pytest.fixture(params=[(), ("PIPELINING",)], ids=["one-by-one", "pipelining"])
def start(request: pytest.FixtureRequest) -> Iterator[Start]:
    """Starts scripted servers on free ports of loopback, in a thread of their own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def begin(script: Script) -> SmtpServer:
        script.extensions = request.param
        opening = asyncio.start_server(script.talk, "127.0.0.1", script.port)
        server = asyncio.run_coroutine_threadsafe(opening, loop).result()
        script.port = server.sockets[0].getsockname()[1]
        return SmtpServer(
            "127.0.0.1",
            script.port,
            connections=1,
            connect_seconds=0.5,
            reply_seconds=0.5,
            letter_seconds=0.5,
        )

    yield begin
    asyncio.run_coroutine_threadsafe(_ended(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def _ended() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


@pytest.fixture
def to(letter: Letter) -> To:
    """Letters to people of these names, with lines that look like the end of a letter."""

    def written(*names: str) -> list[Letter]:
        one = replace(letter, text=".dots\n..stay\n.")
        return [
            replace(one, message_id=f"{number:032x}", address=f"{name}@people.example")
            for number, name in enumerate(names)
        ]

    return written


@pytest.fixture
def delivered(journal: Journal) -> Callable[[SmtpServer, Sequence[Letter]], Delivery]:
    async def run(channel: Email, letters: Sequence[Letter]) -> Delivery:
        found = await channel.deliver(letters, journal)
        await channel.close()
        return found

    return lambda server, letters: asyncio.run(run(Email(server), letters))


Deliver = Callable[[SmtpServer, Sequence[Letter]], Delivery]


def receipts_of(delivery: Delivery) -> list[Receipt]:
    return sorted(delivery.receipts, key=lambda one: one.message_id)


def kinds(delivery: Delivery) -> list[str]:
    return [str(one.kind) for one in receipts_of(delivery)]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("550 5.1.1 no such user", "bounced"),
        ("550 unknown", "bounced"),
        ("552 5.2.2 mailbox full", "bounced"),
        ("450 4.2.0 try later", "deferred"),
        ("452 4.2.2 mailbox full", "deferred"),
        ("451 greylisted", "deferred"),
        ("450 4.7.1 greylisted", "deferred"),
    ],
)
def test_what_a_refusal_of_the_receiver_means(
    start: Start, to: To, delivered: Deliver, answer: str, kind: str
) -> None:
    delivery = delivered(start(Script({"RCPT TO:<bea": answer})), to("bea"))
    (receipt,) = delivery.receipts
    assert (str(receipt.kind), receipt.detail) == (kind, answer)
    assert delivery.provider_failure is None


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("554 5.7.1 relay access denied", "rejected"),
        ("550 5.7.1 blocked", "rejected"),
        ("451 4.3.0 later", "deferred"),
        ("421 4.3.2 going down", "deferred"),
        ("hang up", "deferred"),
    ],
)
def test_a_doubtful_refusal_is_the_letters_where_the_server_takes_others(
    start: Start, to: To, delivered: Deliver, answer: str, kind: str
) -> None:
    script = Script({"RCPT TO:<bea": answer})
    delivery = delivered(start(script), to("ana", "bea", "cid"))
    assert kinds(delivery) == ["accepted", kind, "accepted"]
    assert delivery.provider_failure is None


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("MAIL FROM", "530 5.7.0 authentication required"),
        ("MAIL FROM", "535 authentication failed"),
        ("MAIL FROM", "550 5.7.1 sender not allowed"),
        ("MAIL FROM", "452 4.3.1 disk full"),
        ("MAIL FROM", "451 4.7.1 too many messages"),
        ("RCPT", "530 authentication required"),
        ("RCPT", "554 5.7.1 relay access denied"),
        ("RCPT", "421 4.3.2 going down"),
        ("DATA", "554 5.5.1 no valid recipients"),
        ("content", "554 5.7.1 account suspended"),
        ("MAIL", HANG_UP),
        ("RCPT", HANG_UP),
        ("DATA", HANG_UP),
        ("MAIL", SILENCE),
    ],
)
def test_what_meets_every_letter_is_the_providers(
    start: Start, to: To, delivered: Deliver, command: str, answer: str
) -> None:
    script = Script({command: answer})
    delivery = delivered(start(script), to("ana", "bea", "cid"))
    assert list(delivery.receipts) == []
    assert "The mail server 127.0.0.1:" in (delivery.provider_failure or "")
    if answer not in {HANG_UP, SILENCE}:
        assert answer in (delivery.provider_failure or "")


def test_a_server_that_refuses_all_from_now_on_is_not_believed_for_long(
    start: Start, to: To, delivered: Deliver
) -> None:
    script = Script({"RCPT TO:<x": "550 relaying denied"})
    delivery = delivered(start(script), to("ana", *(f"x{number}" for number in range(40))))
    assert kinds(delivery) == ["accepted"]
    assert "550 relaying denied" in (delivery.provider_failure or "")
    assert len(delivery.doubted) == 10


@pytest.mark.parametrize(
    ("command", "answer", "kind"),
    [
        ("content", "554 5.6.0 malformed", "rejected"),
        ("content", "550 5.1.1 no such user after all", "bounced"),
        ("content", "552 5.2.2 mailbox full", "rejected"),
        ("content", "451 4.7.0 later", "deferred"),
        ("DATA", "451 4.7.0 later", "deferred"),
    ],
)
def test_what_a_refusal_of_the_content_means(
    start: Start, to: To, delivered: Deliver, command: str, answer: str, kind: str
) -> None:
    (receipt,) = delivered(start(Script({command: answer})), to("bea")).receipts
    assert (str(receipt.kind), receipt.detail) == (kind, answer)


@pytest.mark.parametrize("eager", [False, True])
def test_a_refused_letter_does_not_hinder_the_others(
    start: Start, to: To, delivered: Deliver, *, eager: bool
) -> None:
    refusals = {"RCPT TO:<bea": "550 5.1.1 no such user", "RCPT TO:<dan": "451 later"}
    script = Script(refusals, eager=eager)
    receipts = delivered(start(script), to("ana", "bea", "cid", "dan", "eve"))
    assert kinds(receipts) == ["accepted", "bounced", "accepted", "deferred", "accepted"]
    assert len(script.taken) == 3
    assert script.connections == 1


def test_the_server_gets_the_letter_as_it_was_written(
    start: Start, to: To, delivered: Deliver
) -> None:
    script = Script()
    delivered(start(script), to("ana"))
    (content,) = script.taken
    message = message_from_bytes(content.replace(b"\r\n..", b"\r\n."), policy=default)
    text = message.get_body("plain")
    assert text is not None
    assert text.get_content().splitlines() == [".dots", "..stay", "."]


def test_a_server_that_hangs_up_between_letters_is_called_again(
    start: Start, to: To, delivered: Deliver
) -> None:
    script = Script(one_letter_each=True)
    receipts = delivered(start(script), to("ana", "bea", "cid"))
    assert kinds(receipts) == ["accepted"] * 3
    assert (len(script.taken), script.connections) == (3, 3)


@pytest.mark.parametrize("answer", [HANG_UP, SILENCE])
def test_a_connection_lost_after_the_content_is_uncertain_and_not_sent_again(
    start: Start, to: To, delivered: Deliver, answer: str
) -> None:
    script = Script({"content": answer})
    (receipt,) = delivered(start(script), to("ana")).receipts
    assert receipt.kind == ReceiptKind.UNCERTAIN
    assert len(script.taken) == 1


@pytest.mark.parametrize("greeting", ["421 too busy", "554 go away", SILENCE, HANG_UP])
def test_a_server_that_does_not_greet_is_called_once(
    start: Start, to: To, delivered: Deliver, greeting: str
) -> None:
    script = Script(greeting=greeting)
    delivery = delivered(start(script), to("ana", "bea", "cid"))
    assert (kinds(delivery), list(delivery.doubted)) == ([], [])
    assert delivery.provider_failure
    assert script.connections == 1


def test_a_refusal_followed_by_hanging_up_is_still_a_refusal(
    start: Start, to: To, delivered: Deliver
) -> None:
    script = Script({"RCPT TO:<bea": "550 5.1.1 no such user", "RSET": HANG_UP})
    receipts = delivered(start(script), to("bea", "ana"))
    assert kinds(receipts) == ["bounced", "accepted"]


def test_a_login_that_fails_is_no_letters_fault(start: Start, to: To, delivered: Deliver) -> None:
    server = replace(start(Script()), user="ana", password="secret")
    delivery = delivered(server, to("ana"))
    assert list(delivery.receipts) == []
    assert delivery.provider_failure


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
def test_what_is_cut_before_its_end_was_never_handed_over(
    start: Start, to: To, delivered: Deliver, journal: Journal, command: str
) -> None:
    delivered(start(Script({command: HANG_UP})), to("ana", "bea"))
    assert list(journal.hand_overs()) == []


def test_the_code_alone_tells_when_there_is_no_status() -> None:
    assert kind_of(553, "bad name", to_address=True) == ReceiptKind.BOUNCED
    assert kind_of(553, "bad name", to_address=False) == ReceiptKind.REJECTED
    assert kind_of(554, "no", to_address=True) == ReceiptKind.REJECTED
