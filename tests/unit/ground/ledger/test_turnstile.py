"""Writers take turns: nobody takes two in a row while somebody waits."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from courtesy.ground.ledger.turnstile import turn

GREEDY = """
import sys, time
from pathlib import Path
from courtesy.ground.ledger.turnstile import turn
while True:
    with turn(Path(sys.argv[1]), 10):
        print("in", flush=True)
        time.sleep(0.05)
"""


def test_who_waits_comes_next_though_another_process_hurries(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    with subprocess.Popen(
        [sys.executable, "-c", GREEDY, str(file)], stdout=subprocess.PIPE, text=True
    ) as greedy:
        assert greedy.stdout is not None
        assert greedy.stdout.readline() == "in\n"
        for _ in range(10):
            with turn(file, 10):
                pass
        greedy.kill()
        taken = 1 + sum(line == "in\n" for line in greedy.stdout)
    assert taken <= 12


def test_a_turn_that_does_not_come_is_given_up(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    begun = time.monotonic()
    with turn(file, 1), pytest.raises(TimeoutError), turn(file, 0.05):
        pass
    assert time.monotonic() - begun < 1
    with turn(file, 0):
        pass


def test_two_threads_are_never_inside_together(tmp_path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def enter() -> None:
        for _ in range(20):
            with turn(tmp_path / "ledger.db", 10):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=enter) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(most) == {1}
    assert len(most) == 60
