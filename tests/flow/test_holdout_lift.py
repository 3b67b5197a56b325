"""What holdouts of the policy changed, also after they were resized, counted out by hand."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from courtesy import workspace
from courtesy.app import App, make_home, open_app
from courtesy.flow import absorb, lift_in_full, lift_of, tick
from courtesy.ground.primitives.bucketing import buckets
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.ground.primitives.errors import DataError
from courtesy.ground.primitives.ids import digest
from courtesy.ground.stats import Fixed
from courtesy.stages.events import Accepted, collect
from courtesy.stages.events import store as events_store
from courtesy.stages.lift import Lift

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
FILES = {
    "policy.yaml": """
sender: {name: Brand, address: hello@brand.example}
postal_address: 1 Example Street
service_topics: [receipts]
holdouts: {universal: 0%, programs: {onboarding: 0%}}
""",
    "templates/hello.html": """---
subject: Hello
---
<p>Hello.</p><p>{{ postal_address }} <a href="{{ unsubscribe_url }}">stop</a></p>
""",
    "journeys/welcome.yaml": """
journey: welcome
topic: offers
program: onboarding
entry: {event: Signed Up}
steps:
  - send: {template: hello}
""",
    "metrics/bought.yaml": "metric: bought\nkind: conversion\nevent: Bought\nwithin: 2d\n",
}


class Brand:
    """A home whose holdouts change, and its people."""

    def __init__(self, app: App, clock: VirtualClock, folder: Path) -> None:
        self.app, self.clock, self.folder = app, clock, folder
        self.said = 0
        self.buyers: set[str] = set()
        for name, text in FILES.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")

    def hold(self, universal: str, onboarding: str) -> None:
        before = "{universal: 0%, programs: {onboarding: 0%}}"
        after = f"{{universal: {universal}, programs: {{onboarding: {onboarding}}}}}"
        policy = FILES["policy.yaml"].replace(before, after)
        (self.folder / "policy.yaml").write_text(policy, encoding="utf-8")
        with self.app.ledger.write() as transaction:
            workspace.apply(transaction, self.folder, self.clock.now())

    def tell(self, *calls: dict[str, Any]) -> None:
        batch = []
        for call in calls:
            self.said += 1
            batch.append({"type": "track", "messageId": f"call-{self.said}"} | call)
        body = collect(json.dumps({"batch": batch}).encode(), "batch")
        with self.app.ledger.write() as transaction:
            events_store.accept(transaction, [Accepted("app", self.clock.now(), body)])
        absorb(self.app)

    def join(self, users: list[str]) -> None:
        """They sign up; an hour after the letter, two in five of them buy."""
        self.tell(*({"userId": user, "event": "Signed Up"} for user in users))
        self.clock.move(self.clock.now() + timedelta(minutes=1))
        tick(self.app)
        self.clock.move(self.clock.now() + timedelta(hours=1))
        buyers = [user for number, user in enumerate(users) if number % 5 < 2]
        self.tell(*({"userId": user, "event": "Bought"} for user in buyers))
        self.buyers |= set(buyers)
        self.clock.move(self.clock.now() + timedelta(days=3))

    def lift(self, name: str) -> Lift:
        return lift_of(self.app, name, Fixed(), metrics=["bought"])


@pytest.fixture
def brand(tmp_path: Path) -> Iterator[Brand]:
    make_home(tmp_path / "home")
    clock = VirtualClock(START)
    app = open_app(tmp_path / "home", clock=clock)
    yield Brand(app, clock, tmp_path / "workspace")
    app.close()


def dealt(seed: str, users: list[str]) -> dict[str, float]:
    found = buckets(seed, [digest("user_id", user) for user in users])
    return dict(zip(users, found.tolist(), strict=True))


def same(lift: Lift, arms: dict[str, list[str]], buyers: set[str]) -> None:
    """The figures are those of these people."""
    assert {arm.arm: arm.units for arm in lift.arms} == {arm: len(p) for arm, p in arms.items()}
    held, treated = (
        np.array([user in buyers for user in arms[arm]], float) for arm in ("holdout", "treated")
    )
    test = stats.ttest_ind(treated, held, equal_var=False)
    (found,) = lift.comparisons
    assert found.effect == pytest.approx(treated.mean() - held.mean())
    assert found.effect_low == pytest.approx(test.confidence_interval(0.95).low)
    assert found.p_value == pytest.approx(test.pvalue)


def test_who_was_on_both_sides_of_a_resized_holdout_is_left_out(brand: Brand) -> None:
    first, second = [f"a{n}" for n in range(400)], [f"b{n}" for n in range(400)]
    brand.hold("15%", "20%")
    brand.join(first)
    brand.hold("30%", "10%")
    brand.join(second)
    everybody = dealt("universal", first + second)
    arms = {
        "holdout": [user for user, bucket in everybody.items() if bucket < 0.15],
        "treated": [user for user, bucket in everybody.items() if bucket >= 0.3],
    }
    lift = brand.lift("universal")
    same(lift, arms, brand.buyers)
    left_out = len(everybody) - sum(map(len, arms.values()))
    assert [n.detail.split(" people")[0] for n in lift.warnings if n.name == "resized"] == [
        str(left_out)
    ]
    assert [arm.expected_share for arm in lift.arms] == pytest.approx([0.15 / 0.85, 0.7 / 0.85])
    spared = {user for user in first if everybody[user] >= 0.15}
    spared |= {user for user in second if everybody[user] >= 0.3}
    program = dealt("onboarding", sorted(spared))
    within = {
        "holdout": [user for user, bucket in program.items() if bucket < 0.1],
        "treated": [user for user, bucket in program.items() if bucket >= 0.2],
    }
    same(brand.lift("onboarding"), within, brand.buyers)


@pytest.mark.parametrize("name", ["universal", "onboarding"])
def test_receipts_are_no_treatment(brand: Brand, name: str) -> None:
    shares = ("40%", "0%") if name == "universal" else ("0%", "40%")
    brand.hold(*shares)
    people = [f"a{n}" for n in range(200)]
    brand.join(people)
    held = {user for user, bucket in dealt(name, people).items() if bucket < 0.4}
    brand.clock.move(brand.clock.now() + timedelta(days=1))
    topics = {user: "receipts" if user in held else "offers" for user in people}
    soon = (START + timedelta(hours=5)).isoformat()
    brand.tell(
        *(
            {
                "userId": user,
                "event": "Email Sent",
                "timestamp": soon,
                "properties": {"journey": "welcome", "topic": topic},
            }
            for user, topic in topics.items()
        )
    )
    (told,) = lift_in_full(brand.app, name, Fixed(), metrics=["bought"]).on_treated
    assert (told.reached, told.control_reached) == (1.0, 0.0)


def test_a_holdout_that_was_none_for_a_while_cannot_be_measured(brand: Brand) -> None:
    brand.hold("15%", "20%")
    brand.join([f"a{n}" for n in range(40)])
    brand.hold("0%", "20%")
    brand.join([f"b{n}" for n in range(40)])
    with pytest.raises(DataError, match=r"universal: .*leaves nobody alone"):
        brand.lift("universal")
    brand.hold("10%", "20%")
    with pytest.raises(DataError, match=r"universal: .*left nobody alone for a while"):
        brand.lift("universal")
