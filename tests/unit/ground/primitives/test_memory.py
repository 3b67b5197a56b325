"""Answers that are kept, and forgotten in the order in which they came."""

from concurrent.futures import ThreadPoolExecutor

from courtesy.ground.primitives.memory import Memory


def test_what_was_kept_is_known() -> None:
    known: Memory[str, bool] = Memory(most=2)
    assert known.get("a") is None
    assert known.keep("a", False) is False  # noqa: FBT003 - the answer itself
    assert known.get("a") is False


def test_the_oldest_is_forgotten_first() -> None:
    known: Memory[str, int] = Memory(most=2)
    for number, question in enumerate("abac"):
        known.keep(question, number)
    assert [known.get(question) for question in "abc"] == [None, 1, 3]


def test_many_threads_keep_no_more_than_fits() -> None:
    known: Memory[int, int] = Memory(most=10)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(known.keep, range(2_000), range(2_000)))
    assert sum(known.get(number) is not None for number in range(2_000)) == 10
