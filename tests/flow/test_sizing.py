"""Who would have come into a pilot lately, and what every kind of metric was of them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from courtesy import workspace
from courtesy.app import App, make_home, open_app
from courtesy.flow import absorb, size_of
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.ground.primitives.errors import DataError
from courtesy.stages.events import Accepted, collect
from courtesy.stages.events import store as events_store
from courtesy.stages.lift.size import Size

NOW = datetime(2026, 3, 31, tzinfo=UTC)
PEOPLE = 240
EXPERIMENT = """experiment: tried
owner: ana@brand.example
arms: {control: 1, free: 1}
plan:
  hypothesis: It helps.
  primary: asked
  minimal_effect: 10%
  history: 14d
  longest: 90d
  decisions: {better: Yes., worse: No., not_significant: It stays.}
"""
FILES = {
    "policy.yaml": "sender: {name: Brand, address: hello@brand.example}\n"
    "postal_address: 1 Example Street\n",
    "templates/hello.html": "---\nsubject: Hello\n---\n<p>{{ postal_address }}"
    ' <a href="{{ unsubscribe_url }}">stop</a></p>\n',
    "audiences/vip.yaml": "audience: vip\nwhen: {did: Order Completed, at_least: 2}\n",
    "metrics/orders.yaml": "metric: orders\nkind: count\nevent: Order Completed\nwithin: 2d\n",
    "metrics/spent.yaml": "metric: spent\nkind: sum\nevent: Order Completed\nproperty: total\n"
    "within: 2d\n",
}


class Past:
    """A home whose people signed up over twelve days, some of whom bought before and after."""

    def __init__(self, app: App, folder: Path) -> None:
        self.app, self.folder = app, folder

    def live(self) -> None:
        calls = [call for i in range(PEOPLE) for call in _calls(i)]
        batch = [one | {"messageId": str(i)} for i, one in enumerate(calls)]
        body = collect(json.dumps({"batch": batch}).encode(), "batch")
        with self.app.ledger.write() as transaction:
            events_store.accept(transaction, [Accepted("app", NOW, body)])
        absorb(self.app)

    def sized(self, metric: str, entry: str = "{event: Signed Up}", **more: str) -> Size:
        """The size, on a metric of this text, in a journey with this entry; a flag without."""
        files = FILES | {
            "metrics/asked.yaml": f"metric: asked\n{metric}\n",
            "experiments/tried.yaml": EXPERIMENT + more.get("experiment", ""),
        }
        if entry:
            steps = "steps:\n  - test: tried\n  - send: {template: hello}\n"
            files["journeys/nudge.yaml"] = f"journey: nudge\ntopic: offers\nentry: {entry}\n{steps}"
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        with self.app.ledger.write() as transaction:
            workspace.apply(transaction, self.folder, NOW)
        return size_of(self.app, "tried")


def _calls(i: int) -> Iterator[dict[str, Any]]:
    """Twenty people a day; every third bought the day before, every second (and they) after.

    Long after their entry every tenth bought again, within the last two days.
    """
    user, came = f"u{i}", NOW - timedelta(days=3 + i // 20)
    traits = {"household": f"h{i // 2}", "plan": "pro" if i % 4 == 0 else "free"}
    yield {"type": "identify", "userId": user, "traits": traits, "timestamp": came.isoformat()}
    orders = ([came - timedelta(hours=20)] if i % 3 == 0 else []) + (
        [came + timedelta(hours=12)] if i % 3 == 0 or i % 2 == 0 else []
    )
    orders += [NOW - timedelta(hours=12)] if i % 10 == 0 else []
    for name, at in [("Signed Up", came), *(("Order Completed", at) for at in orders)]:
        yield {
            "type": "track",
            "userId": user,
            "event": name,
            "timestamp": at.isoformat(),
            "properties": {"total": 10 + i % 3, "from": "web" if i % 5 == 0 else "app"},
        }


BUYERS = [i for i in range(PEOPLE) if i % 3 == 0 or i % 2 == 0]
CONVERTED = "kind: conversion\nevent: Order Completed\nwithin: 2d"


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Past]:
    make_home(tmp_path / "home")
    app = open_app(tmp_path / "home", clock=VirtualClock(NOW))
    found = Past(app, tmp_path / "workspace")
    found.live()
    yield found
    app.close()


@pytest.mark.parametrize(
    ("metric", "baseline"),
    [
        (CONVERTED, len(BUYERS) / PEOPLE),
        ("kind: count\nevent: Order Completed\nwithin: 2d", len(BUYERS) / PEOPLE),
        (
            "kind: sum\nevent: Order Completed\nproperty: total\nwithin: 2d",
            sum(10 + i % 3 for i in BUYERS) / PEOPLE,
        ),
        ("kind: ratio\ntop: spent\nbottom: orders", sum(10 + i % 3 for i in BUYERS) / len(BUYERS)),
        ("kind: retention\nevent: Order Completed\nday: 0", len(BUYERS) / PEOPLE),
        (
            "kind: time_to_event\nevent: Order Completed\nwithin: 2d",
            (0.5 * len(BUYERS) + 2 * (PEOPLE - len(BUYERS))) / PEOPLE,
        ),
    ],
)
def test_every_kind_of_metric_is_sized(past: Past, metric: str, baseline: float) -> None:
    found = past.sized(metric)
    assert found.people_seen == PEOPLE
    assert found.baseline == pytest.approx(baseline)
    assert found.people_a_day == pytest.approx(20, rel=0.1)
    assert abs(found.effect) == pytest.approx(0.1 * baseline)
    fixed, always = found.needed
    assert 10 < fixed.people < always.people


def test_what_people_bought_before_takes_out_noise(past: Past) -> None:
    found = past.sized(CONVERTED)
    before = [float(i % 3 == 0) for i in range(PEOPLE)]
    after = [float(i in set(BUYERS)) for i in range(PEOPLE)]
    assert found.cuped_gain == pytest.approx(_correlation(before, after) ** 2, abs=0.01)


def test_a_quantile_is_sized_as_it_is_compared(past: Past) -> None:
    text = "kind: sum\nevent: Order Completed\nproperty: total\nwithin: 2d\nquantile: {}%"
    found = past.sized(text.format(60))
    assert found.baseline == 10
    assert [one.rule for one in found.needed] == ["fixed", "always-valid"]
    assert found.needed[0].people < found.needed[1].people
    with pytest.raises(DataError, match="takes 1,000 people; found 240"):
        past.sized(text.format(99))
    with pytest.raises(DataError, match="10% quantile everybody has 0"):
        past.sized(text.format(10))
    with pytest.raises(DataError, match="clusters"):
        past.sized(text.format(50), experiment="cluster: household\n")


def test_an_entry_counts_only_who_fits(past: Past) -> None:
    entry = "{event: Signed Up, where: {from: web}}"
    assert past.sized(CONVERTED, entry).people_seen == PEOPLE / 5


def test_an_audience_counts_whom_it_meant(past: Past) -> None:
    found = past.sized(CONVERTED, "{audience: vip}")
    assert found.people_seen == PEOPLE / 3
    assert found.baseline == pytest.approx(0.1)


def test_a_flag_counts_whoever_was_there_from_their_first_event_on(past: Past) -> None:
    everybody = past.sized(CONVERTED, "")
    assert everybody.people_seen == PEOPLE
    assert everybody.baseline == pytest.approx(len(BUYERS) / PEOPLE)
    assert everybody.left_out == ("whether an app asks for the flag whenever people are active",)


def test_a_flag_counts_those_who_might_have_taken_part_then(past: Past) -> None:
    free = past.sized(CONVERTED, "", experiment="if: {trait: plan, is: free}\n")
    assert free.people_seen == PEOPLE * 3 / 4
    assert free.left_out[1:] == ("traits of the past",)
    not_yet = "if: {not: {did: Order Completed}}\n"
    assert past.sized(CONVERTED, "", experiment=not_yet).people_seen == PEOPLE * 2 / 3


def test_what_invites_is_no_outcome_of_its_own(past: Past) -> None:
    """After their first order of the look-back, only those who bought before came back."""
    found = past.sized(CONVERTED, "{event: Order Completed}")
    assert found.baseline == pytest.approx(1 / 2, abs=0.03)


def test_clusters_are_sized_as_one(past: Past) -> None:
    alone = past.sized(CONVERTED)
    found = past.sized(CONVERTED, experiment="cluster: household\n")
    assert found.people_seen == PEOPLE
    assert found.people_of_unit == pytest.approx(2)
    assert found.baseline == pytest.approx(alone.baseline)
    assert found.needed[0].people != alone.needed[0].people


def test_traffic_and_layers_take_their_time(past: Past) -> None:
    all_of_them = past.sized(CONVERTED).needed[0]
    part = "traffic: 50%\nlayer: {name: page, from: 0%, to: 50%}\n"
    quarter = past.sized(CONVERTED, experiment=part).needed[0]
    assert quarter.people == all_of_them.people
    assert all_of_them.days is not None
    assert quarter.days == pytest.approx(4 * (all_of_them.days - 2) + 2, abs=4)


def test_nobody_to_learn_from_is_said(past: Past) -> None:
    with pytest.raises(DataError, match="nobody who would have come"):
        past.sized(CONVERTED, "{event: Never Happens}")


def _correlation(left: list[float], right: list[float]) -> float:
    mean_left, mean_right = sum(left) / len(left), sum(right) / len(right)
    pairs = list(zip(left, right, strict=True))
    shared = sum((x - mean_left) * (y - mean_right) for x, y in pairs)
    sizes = sum((x - mean_left) ** 2 for x in left) * sum((y - mean_right) ** 2 for y in right)
    return float(shared / sizes**0.5)
