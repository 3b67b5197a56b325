"""Answers that were found before, of questions whose answer never changes."""

from threading import Lock
from typing import Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class Memory(Generic[Question, Answer]):
    """The newest answers of a pure function, by all that they depend on; any thread may ask.

    Args:
        most: how many are kept; the oldest is forgotten first.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._answers: dict[Question, Answer] = {}
        self._lock = Lock()

    def get(self, question: Question) -> Answer | None:
        """What was kept; None where nothing is."""
        return self._answers.get(question)

    def keep(self, question: Question, answer: Answer) -> Answer:
        """Remember an answer, and give it back."""
        with self._lock:
            self._answers[question] = answer
            if len(self._answers) > self._most:
                del self._answers[next(iter(self._answers))]
        return answer
