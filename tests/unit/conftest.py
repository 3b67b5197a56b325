"""An empty ledger for the tests of what is kept."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from courtesy.ground.ledger import Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    opened.migrate()
    yield opened
    opened.close()
