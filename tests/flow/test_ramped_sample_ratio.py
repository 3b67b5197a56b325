"""The sample ratio of an experiment whose traffic grew, in a home."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from courtesy import workspace
from courtesy.app import App, make_home, open_app
from courtesy.flow import lift_of
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.ground.stats import ALARM, AlwaysValid, chi_square
from courtesy.stages.experiments import EXPOSED, EXPOSURES, Split, assign, expected_shares
from courtesy.stages.lift.model import SampleRatio

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
RAMP = START + timedelta(days=7)
NOW = RAMP + timedelta(days=1)
ARMS = dict.fromkeys(("plain", "blue", "red"), 1 / 3)
PEOPLE = pl.select(pl.concat_str(pl.lit("person-"), pl.int_range(3_000_000).cast(pl.String)))
UNITS = PEOPLE.to_series()
STEPS = "[{from: 2026-03-02T00:00:00Z, share: 0.1%}, {from: 2026-03-09T09:00:00Z, share: 30%}]"


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


@pytest.fixture
def app(tmp_path: Path, clock: VirtualClock) -> Iterator[App]:
    make_home(tmp_path / "home")
    opened = open_app(tmp_path / "home", clock=clock)
    yield opened
    opened.close()


def in_force(app: App, folder: Path, traffic: str) -> None:
    (folder / "experiments").mkdir(parents=True, exist_ok=True)
    (folder / "metrics").mkdir(exist_ok=True)
    (folder / "metrics/bought.yaml").write_text("metric: bought\nkind: count\nevent: Bought\n")
    (folder / "experiments/colour.yaml").write_text(
        "experiment: colour\narms: {plain: 1, blue: 1, red: 1}\nmetrics: [bought]\n"
        f"traffic: {traffic}\n"
    )
    with app.ledger.write() as transaction:
        workspace.apply(transaction, folder, app.clock.now())


def expose(app: App, exposed: pl.DataFrame, at: datetime) -> None:
    rows = exposed.select(
        pl.lit("colour").alias("experiment"),
        "person_id",
        "arm",
        pl.lit(at, dtype=EXPOSED["exposed_at"]).alias("exposed_at"),
        pl.lit("{}").alias("entry"),
        pl.col("person_id").alias("unit"),
    )
    whole = pl.concat([pl.DataFrame(schema=EXPOSURES.schema), rows], how="diagonal")
    app.lake.append(EXPOSURES, whole, writer=f"test {at}", version=1)


def taking_part(traffic: float) -> pl.DataFrame:
    arms = assign(UNITS, Split("colour", ARMS, "colour", traffic))
    return pl.DataFrame({"person_id": UNITS, "arm": arms}).drop_nulls()


def exposed_over_the_ramp() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Three thousand people before traffic grew, half as many after."""
    before = taking_part(0.001)
    return before, taking_part(0.3).join(before, on="person_id", how="anti").head(1_500)


def ratio(app: App, clock: VirtualClock) -> SampleRatio:
    clock.move(NOW)
    found = lift_of(app, "colour", AlwaysValid()).sample_ratio
    assert found is not None
    return found


@pytest.mark.parametrize("written", ["steps", "versions"])
def test_people_from_before_a_ramp_raise_no_alarm(
    app: App, clock: VirtualClock, tmp_path: Path, written: str
) -> None:
    before, after = exposed_over_the_ramp()
    in_force(app, tmp_path / "workspace", STEPS if written == "steps" else "0.1%")
    expose(app, before, START)
    clock.move(RAMP)
    if written == "versions":
        in_force(app, tmp_path / "workspace", "30%")
    expose(app, after, RAMP)
    found = ratio(app, clock)
    assert found.ok
    assert found.sequential_p_value is not None
    assert found.sequential_p_value > ALARM
    arms = lift_of(app, "colour", AlwaysValid()).arms
    with app.ledger.read() as transaction:
        now = expected_shares(workspace.in_force(transaction).experiments["colour"], NOW)
    assert now is not None
    assert float(chi_square([a.units for a in arms], [now[a.arm] for a in arms])) < ALARM
    assert sum(arm.expected_share or 0 for arm in arms) == pytest.approx(1)


def test_an_arm_that_lost_people_is_found(app: App, clock: VirtualClock, tmp_path: Path) -> None:
    before, after = exposed_over_the_ramp()
    in_force(app, tmp_path / "workspace", STEPS)
    expose(app, before, START)
    expose(app, after.filter((pl.col("arm") != "red") | (pl.int_range(pl.len()) % 3 > 0)), RAMP)
    found = ratio(app, clock)
    assert not found.ok
    assert found.sequential_p_value is not None
    assert found.sequential_p_value < ALARM
