"""Questions that come together are answered together, each with its own answer."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest

from courtesy.app import App, make_home, open_app
from courtesy.doors.api import questions as module
from courtesy.doors.api.questions import Questions
from courtesy.flow.flags.decide import Answer, Question, Who, answers, flag
from courtesy.ground.definitions import store as definitions
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.ground.primitives.errors import HomeError, NotFoundError

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ASKED = [Question("banner", Who(f"user-{number}")) for number in range(40)]


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    make_home(tmp_path)
    opened = open_app(tmp_path, clock=VirtualClock(NOW))
    with opened.ledger.write() as transaction:
        text = "experiment: banner\narms: {control: 1, bold: 1}\n"
        definitions.put(transaction, "experiment", "banner", text, NOW)
    yield opened
    opened.close()


async def ask(app: App, asked: Sequence[Question]) -> list[Answer | BaseException]:
    desk = Questions(app)
    return await asyncio.gather(*map(desk.ask, asked), return_exceptions=True)


def sizes(
    monkeypatch: pytest.MonkeyPatch, begun: Event | None = None, poison: str = ""
) -> list[int]:
    """How many questions each group holds; one about ``poison`` trips its group."""
    found = []

    def counted(app: App, asked: Sequence[Question]) -> list[Answer | NotFoundError]:
        found.append(len(asked))
        if begun:
            begun.set()
        if any(one.who.user_id == poison for one in asked):
            raise ValueError(poison)
        return answers(app, asked)

    monkeypatch.setattr(module, "answers", counted)
    return found


def test_each_has_the_answer_that_it_has_alone(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = [flag(app, one.key, one.who) for one in ASKED]
    groups = sizes(monkeypatch)
    assert asyncio.run(ask(app, ASKED)) == alone
    assert groups == [40]


def test_who_comes_later_waits_for_the_next_group(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = Event()
    groups = sizes(monkeypatch, begun)

    async def come() -> None:
        desk = Questions(app)
        first = asyncio.create_task(desk.ask(ASKED[0]))
        await asyncio.to_thread(begun.wait)
        await asyncio.gather(first, *map(desk.ask, ASKED[1:]))
        assert await desk.ask(ASKED[0]) == await first

    asyncio.run(come())
    assert sum(groups) == 41
    assert groups[0] == groups[-1] == 1
    assert len(groups) < 41


def test_an_unknown_flag_is_told_to_who_asked_for_it(app: App) -> None:
    asked = [ASKED[0], Question("no-such", Who("u")), ASKED[1]]
    first, unknown, last = asyncio.run(ask(app, asked))
    assert isinstance(unknown, NotFoundError)
    assert [first, last] == [flag(app, one.key, one.who) for one in ASKED[:2]]


def test_a_question_that_trips_spoils_no_other(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = [flag(app, one.key, one.who) for one in ASKED[:3]]

    def tripping(app: App, key: str, who: Who) -> Answer:
        if who.user_id == "poison":
            raise ValueError(key)
        return flag(app, key, who)

    sizes(monkeypatch, poison="poison")
    monkeypatch.setattr(module, "flag", tripping)
    *others, poison = asyncio.run(ask(app, [*ASKED[:3], Question("banner", Who("poison"))]))
    assert others == alone
    assert isinstance(poison, ValueError)


def test_without_a_ledger_all_are_told(app: App) -> None:
    (app.home / "ledger.db").write_bytes(b"no database, whatever its name says" * 100)
    app.ledger.close()
    found = asyncio.run(ask(app, ASKED[:3]))
    assert [type(one) for one in found] == [HomeError] * 3


def test_who_goes_away_leaves_the_others_their_answers(app: App) -> None:
    async def come() -> None:
        desk = Questions(app)
        first, second = (asyncio.create_task(desk.ask(one)) for one in ASKED[:2])
        await asyncio.sleep(0)
        first.cancel()
        assert await second == flag(app, ASKED[1].key, ASKED[1].who)
        assert first.cancelled()
        assert await desk.ask(ASKED[0]) == flag(app, ASKED[0].key, ASKED[0].who)

    asyncio.run(come())
