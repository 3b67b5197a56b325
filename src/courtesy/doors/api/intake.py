"""Durable before the answer: all batches that wait are written in one transaction.

While one group is on its way to the disk the next one gathers, so the price of a commit is shared
by whatever arrived meanwhile (group commit; Gray & Reuter, Transaction Processing, 1993, 9.4.7).
"""

import asyncio
from collections.abc import Callable

from fastapi.concurrency import run_in_threadpool

from courtesy.app import App
from courtesy.stages.events import Accepted, store

_MOST_BYTES = 64 * 1024 * 1024
Waiting = tuple[Accepted, asyncio.Future[None]]


class Intake:
    """The one writer of the inbox in this process."""

    def __init__(
        self, app: App, arrived: Callable[[], None] | None = None, most_bytes: int = _MOST_BYTES
    ) -> None:
        self._app = app
        self._arrived = arrived
        self._most_bytes = most_bytes
        self._bytes = 0
        self._waiting: list[Waiting] = []
        self._urgent = False
        self._writer: asyncio.Task[None] | None = None

    @property
    def full(self) -> bool:
        """Whether more bytes wait for the ledger than may."""
        return self._bytes >= self._most_bytes

    async def put(self, batch: Accepted, *, urgent: bool = True) -> None:
        """Return when the batch is durable; what is not ``urgent`` tells nobody that it arrived.

        Raises:
            HomeError: it could not be written; nothing of it is kept.
        """
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((batch, future))
        self._bytes += len(batch.collected.body)
        self._urgent |= urgent
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all())
        await future

    async def _write_all(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            urgent, self._urgent = self._urgent, False
            error = await self._write(group)
            self._bytes -= sum(len(batch.collected.body) for batch, _ in group)
            _resolve(group, error)
            if self._arrived and urgent and not error:
                self._arrived()
        self._writer = None

    async def _write(self, group: list[Waiting]) -> Exception | None:
        try:
            await run_in_threadpool(self._commit, [batch for batch, _ in group])
        except Exception as error:  # noqa: BLE001 - raised again in everyone who waits
            return error
        return None

    def _commit(self, batches: list[Accepted]) -> None:
        with self._app.ledger.write() as transaction:
            store.accept(transaction, batches)


def _resolve(group: list[Waiting], error: Exception | None) -> None:
    for _, future in group:
        if future.cancelled():
            continue
        if error:
            future.set_exception(error)
        else:
            future.set_result(None)
