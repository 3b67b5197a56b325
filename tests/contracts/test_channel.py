"""What every channel promises, one suite over all of them against a provider on loopback."""

import asyncio
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from email import message_from_bytes
from typing import Any, Protocol

import pytest
from aiosmtpd.controller import Controller

from courtesy.stages.messages import Channel, Delivery, Email, Letter, ReceiptKind, SmtpServer
from courtesy.stages.messages.journal import Journal

Letters = Callable[[int], list[Letter]]
Deliver = Callable[[Channel, Sequence[Letter]], Delivery]


class Provider(Protocol):
    """The other end of a channel: which message ids it took, in order."""

    taken: list[str]

    def channel(self) -> Channel: ...

    def stop(self) -> None: ...


class MailServer:
    """A mail server that takes everything."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self._controller = Controller(self, hostname="127.0.0.1", port=_free_port())
        self._controller.start()
        self._stopped = False

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: ANN401, N802 - aiosmtpd's
        message = message_from_bytes(envelope.content)
        self.taken.append(message["Message-ID"].strip("<>").partition("@")[0])
        return "250 taken"

    def channel(self) -> Channel:
        return Email(SmtpServer("127.0.0.1", self._controller.port, connections=3))

    def stop(self) -> None:
        if not self._stopped:
            self._controller.stop()
        self._stopped = True


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(params=[MailServer], ids=["email"])
def provider(request: pytest.FixtureRequest) -> Iterator[Provider]:
    made: Provider = request.param()
    yield made
    made.stop()


@pytest.fixture
def letters(letter: Letter) -> Letters:
    return lambda count: [replace(letter, message_id=f"{number:032x}") for number in range(count)]


@pytest.fixture
def delivered(journal: Journal) -> Deliver:
    async def run(channel: Channel, batch: Sequence[Letter]) -> Delivery:
        found = await channel.deliver(batch, journal)
        await channel.close()
        return found

    return lambda channel, batch: asyncio.run(run(channel, batch))


def test_each_letter_is_taken_once_and_has_one_receipt(
    provider: Provider, letters: Letters, delivered: Deliver
) -> None:
    batch = letters(25)
    delivery = delivered(provider.channel(), batch)
    assert sorted(provider.taken) == [one.message_id for one in batch]
    assert sorted(one.message_id for one in delivery.receipts) == [one.message_id for one in batch]
    assert {one.kind for one in delivery.receipts} == {ReceiptKind.ACCEPTED}
    assert delivery.provider_failure is None


def test_nothing_to_deliver_is_nothing_delivered(provider: Provider, delivered: Deliver) -> None:
    assert list(delivered(provider.channel(), []).receipts) == []


def test_a_channel_can_be_used_batch_after_batch(
    provider: Provider, letters: Letters, journal: Journal
) -> None:
    channel = provider.channel()

    async def run() -> list[Delivery]:
        first = await channel.deliver(letters(2), journal)
        second = await channel.deliver(letters(3), journal)
        await channel.close()
        return [first, second, await channel.deliver(letters(1), journal)]

    kinds = {receipt.kind for delivery in asyncio.run(run()) for receipt in delivery.receipts}
    assert kinds == {ReceiptKind.ACCEPTED}
    assert len(provider.taken) == 6


def test_a_channel_outlives_an_event_loop(
    provider: Provider, letters: Letters, delivered: Deliver
) -> None:
    channel = provider.channel()
    kinds = [one.kind for _ in range(2) for one in delivered(channel, letters(2)).receipts]
    assert kinds == [ReceiptKind.ACCEPTED] * 4


def test_without_a_provider_no_letter_has_a_receipt(
    provider: Provider, letters: Letters, delivered: Deliver, journal: Journal
) -> None:
    channel = provider.channel()
    provider.stop()
    delivery = delivered(channel, letters(5))
    assert (list(delivery.receipts), list(delivery.doubted)) == ([], [])
    assert delivery.provider_failure
    assert list(journal.hand_overs()) == []


def test_the_same_letter_is_known_by_the_same_id(
    provider: Provider, letters: Letters, delivered: Deliver
) -> None:
    channel = provider.channel()
    delivered(channel, letters(1))
    delivered(channel, letters(1))
    assert provider.taken == [letters(1)[0].message_id] * 2


def test_a_letter_is_recorded_before_it_is_taken_and_its_answer_after(
    provider: Provider, letters: Letters, journal: Journal, delivered: Deliver
) -> None:
    delivered(provider.channel(), letters(25))
    found = {one.message_id: one.kind for one in journal.hand_overs()}
    assert found == {one.message_id: ReceiptKind.ACCEPTED for one in letters(25)}


def test_a_letter_that_cannot_be_recorded_does_not_leave(
    provider: Provider, letters: Letters, journal: Journal, delivered: Deliver
) -> None:
    journal.path.with_suffix(".taken").touch()
    delivery = delivered(provider.channel(), letters(25))
    assert (provider.taken, list(delivery.receipts)) == ([], [])
    assert "took the messages" in (delivery.provider_failure or "")
