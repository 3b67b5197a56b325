"""An import tells why rows were rejected, and what of the others may be meant otherwise."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from courtesy.app import make_home
from courtesy.doors.cli import main

Field = Callable[[str], Path]
Run = Callable[..., int]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    make_home(tmp_path / "home")

    def run(*words: str | Path) -> int:
        before = ["courtesy", "--home", str(tmp_path / "home"), "import", "events"]
        monkeypatch.setattr("sys.argv", [*before, *map(str, words)])
        with pytest.raises(SystemExit) as left:
            main()
        return int(left.value.code or 0)

    return run


def test_too_many_rejected_rows_fail(
    run: Run, field: Field, capsys: pytest.CaptureFixture[str]
) -> None:
    words = field("numbers/orders-odd.csv"), "--mapping", field("numbers/map-orders.yaml")
    code = run(*words)
    err = capsys.readouterr().err
    # Five of the six are no finite numbers.
    assert code == 1
    assert "5 rejected, first on line 2: amount is not a number; found 'nan'." in err
    assert "the 1 accepted stay" in err
    assert run(*words, "--max-rejects", "5") == 0


def test_numbers_with_a_comma_are_told(
    run: Run, field: Field, capsys: pytest.CaptureFixture[str]
) -> None:
    mapping = field("numbers/map-orders-plain.yaml")
    assert run(field("numbers/week-comma.csv"), "--mapping", mapping, "--json") == 0
    assert json.loads(capsys.readouterr().out)["notices"] == [
        (
            "40 of 40 values of amount are no numbers (first: '20,50'); "
            'say decimal: "," in the mapping.'
        )
    ]
