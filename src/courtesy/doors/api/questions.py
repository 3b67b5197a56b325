"""Questions about flags, answered in groups.

While one group is answered the next one gathers, so that one look at the ledger serves whoever
asked meanwhile.
"""

import asyncio
from collections.abc import Sequence

from fastapi.concurrency import run_in_threadpool

from courtesy.app import App
from courtesy.flow.flags.decide import Answer, Question, answers, flag
from courtesy.ground.primitives.errors import CourtesyError

Waiting = tuple[Question, asyncio.Future[Answer]]


class Questions:
    """Whoever asks in this process waits here."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._waiting: list[Waiting] = []
        self._answerer: asyncio.Task[None] | None = None

    async def ask(self, question: Question) -> Answer:
        """What ``flag`` returns.

        Raises:
            NotFoundError: there is no such flag.
            HomeError: the ledger cannot be read.
        """
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        if self._answerer is None:
            self._answerer = asyncio.create_task(self._answer_all())
        return await future

    async def _answer_all(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            found = await run_in_threadpool(self._answers, [question for question, _ in group])
            for (_, future), answer in zip(group, found, strict=True):
                _resolve(future, answer)
        self._answerer = None

    def _answers(self, questions: Sequence[Question]) -> Sequence[Answer | Exception]:
        """One question that trips us spoils no other."""
        try:
            return answers(self._app, questions)
        except CourtesyError as error:
            return [error] * len(questions)
        except Exception:  # noqa: BLE001 - raised again in those whose question it is
            return [self._alone(question) for question in questions]

    def _alone(self, question: Question) -> Answer | Exception:
        try:
            return flag(self._app, question.key, question.who)
        except Exception as error:  # noqa: BLE001 - raised again in who waits
            return error


def _resolve(future: asyncio.Future[Answer], answer: Answer | Exception) -> None:
    if future.cancelled():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
