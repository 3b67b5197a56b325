"""Group commit: durable before the answer, everyone told the truth, never without bound."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from courtesy.app import App, make_home, open_app
from courtesy.doors.api.intake import Intake
from courtesy.ground.primitives.errors import HomeError
from courtesy.stages.events import Accepted, Collected, store

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    make_home(tmp_path)
    opened = open_app(tmp_path)
    yield opened
    opened.close()


def batch(name: str) -> Accepted:
    return Accepted(name, NOW, Collected(b'{"batch":[]}', 0))


def kept(app: App) -> list[str]:
    with app.ledger.read() as transaction:
        return store.waiting(transaction)["source"].to_list()


def test_batches_of_one_moment_share_commits(app: App) -> None:
    commits: list[int] = []
    intake = Intake(app, lambda: commits.append(len(kept(app))))

    async def put_all() -> None:
        await asyncio.gather(*(intake.put(batch(f"{n}")) for n in range(50)))

    asyncio.run(put_all())
    assert sorted(kept(app), key=int) == [f"{n}" for n in range(50)]
    assert commits[-1] == 50
    assert len(commits) < 10


def test_what_is_answered_is_durable(app: App) -> None:
    intake = Intake(app)

    async def put_and_look(name: str) -> bool:
        await intake.put(batch(name))
        return name in await asyncio.to_thread(kept, app)

    async def put_all() -> list[bool]:
        return await asyncio.gather(*(put_and_look(f"{n}") for n in range(20)))

    assert all(asyncio.run(put_all()))


@contextmanager
def without_inbox(app: App) -> Iterator[None]:
    with app.ledger.write() as transaction:
        transaction.run("ALTER TABLE inbox RENAME TO elsewhere")
    yield
    with app.ledger.write() as transaction:
        transaction.run("ALTER TABLE elsewhere RENAME TO inbox")


def test_everyone_in_a_group_that_fails_is_told_and_the_next_group_goes_on(app: App) -> None:
    intake = Intake(app)

    async def put_some() -> None:
        with without_inbox(app):
            answers = await asyncio.gather(
                *(intake.put(batch("lost")) for _ in range(5)), return_exceptions=True
            )
        assert [type(answer) for answer in answers] == [HomeError] * 5
        await intake.put(batch("kept"))

    asyncio.run(put_some())
    assert kept(app) == ["kept"]
    assert not intake.full


def test_it_is_full_while_more_waits_than_may_and_not_afterwards(app: App) -> None:
    intake = Intake(app, most_bytes=24)
    seen: list[bool] = []

    async def put_some() -> None:
        first = asyncio.create_task(intake.put(batch("1")))
        await asyncio.sleep(0)
        seen.append(intake.full)
        second = asyncio.create_task(intake.put(batch("2")))
        await asyncio.sleep(0)
        seen.append(intake.full)
        await asyncio.gather(first, second)
        seen.append(intake.full)

    asyncio.run(put_some())
    assert seen == [False, True, False]
    assert kept(app) == ["1", "2"]


def test_a_client_that_leaves_does_not_disturb_the_others(app: App) -> None:
    intake = Intake(app)

    async def put_some() -> None:
        leaving = asyncio.create_task(intake.put(batch("1")))
        staying = asyncio.create_task(intake.put(batch("2")))
        await asyncio.sleep(0)
        leaving.cancel()
        await staying

    asyncio.run(put_some())
    assert "2" in kept(app)


def test_what_is_not_urgent_tells_nobody(app: App) -> None:
    told: list[int] = []
    intake = Intake(app, lambda: told.append(len(kept(app))))

    async def put_both() -> None:
        await intake.put(batch("view"), urgent=False)
        assert told == []
        await asyncio.gather(intake.put(batch("call")), intake.put(batch("more"), urgent=False))
        await intake.put(batch("last"), urgent=False)

    asyncio.run(put_both())
    assert (told, len(kept(app))) == ([3], 4)
