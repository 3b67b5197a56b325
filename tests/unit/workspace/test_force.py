"""What is in force: parsed once, and never of a version that is not."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from courtesy import workspace
from courtesy.ground.ledger import Ledger, Transaction
from courtesy.ground.primitives.errors import DefinitionError
from courtesy.stages.experiments import Standing, store
from courtesy.stages.experiments.model import KEPT
from courtesy.workspace import Workspace

NOW = datetime(2026, 3, 4, tzinfo=UTC)


def apply(transaction: Transaction, folder: Path, control: int) -> Workspace:
    (folder / "experiments").mkdir(parents=True, exist_ok=True)
    text = f"experiment: banner\narms: {{control: {control}, bold: 1}}\n"
    (folder / "experiments" / "banner.yaml").write_text(text)
    workspace.apply(transaction, folder, NOW)
    return workspace.in_force(transaction)


def share(found: Workspace) -> float:
    return found.experiments["banner"].arms["control"]


def test_it_is_the_same_until_something_is_applied(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.write() as transaction:
        first = apply(transaction, tmp_path / "folder", 1)
        assert workspace.in_force(transaction) is first
        second = apply(transaction, tmp_path / "folder", 3)
        assert (share(first), share(second)) == (0.5, 0.75)
    with ledger.read() as transaction:
        assert workspace.in_force(transaction) is second


def test_what_was_not_committed_is_not_in_force(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.write() as transaction:
        first = apply(transaction, tmp_path / "folder", 1)
    with ledger.read() as transaction:
        assert share(apply(transaction, tmp_path / "folder", 3)) == 0.75
    with ledger.read() as transaction:
        assert workspace.in_force(transaction) is first


def test_another_home_has_its_own(ledger: Ledger, tmp_path: Path) -> None:
    other = Ledger(f"sqlite:///{tmp_path / 'other.db'}")
    other.migrate()
    with ledger.write() as here, other.write() as there:
        assert share(apply(here, tmp_path / "here", 1)) == 0.5
        assert share(apply(there, tmp_path / "there", 3)) == 0.75
        assert share(workspace.in_force(here)) == 0.5
    other.close()


def test_a_pilot_that_ended_keeps_the_arms_of_its_people(ledger: Ledger, tmp_path: Path) -> None:
    """Else its figures would be held against shares that nobody was dealt by."""
    row = ("banner", "ann", "bold", NOW, "{}", "ann", None)
    with ledger.write() as transaction:
        apply(transaction, tmp_path / "folder", 1)
        store.expose(transaction, pl.DataFrame([row], schema=KEPT, orient="row"))
        store.start(transaction, Standing("banner", NOW, "{}", definition_hash=""))
        store.stop(transaction, "banner", NOW, None, "")
        with pytest.raises(DefinitionError, match="this stays as it is: arms"):
            apply(transaction, tmp_path / "folder", 9)
