"""Who is left alone and who is exposed to what, from calls to the history, on a virtual clock."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from courtesy import workspace
from courtesy.app import App, make_home, open_app
from courtesy.flow import absorb, publish, tick
from courtesy.flow.holdouts import Sizes, history
from courtesy.ground.primitives.bucketing import buckets
from courtesy.ground.primitives.clock import VirtualClock
from courtesy.stages.events import Accepted, collect
from courtesy.stages.events import store as events_store
from courtesy.stages.experiments import EXPOSURES

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
POLICY = """
sender: {name: Brand, address: hello@brand.example}
postal_address: 1 Example Street
quiet_hours: {from: "21:00", to: "08:00"}
caps: [{channel: email, at_most: 1, within: 7d}]
service_topics: [receipts]
"""
TEMPLATE = """---
subject: Hello
---
<p>Hello.</p><p>{{ postal_address }} <a href="{{ unsubscribe_url }}">stop</a></p>
"""
JOURNEY = """
journey: {name}
topic: {topic}
{more}
entry: {{event: {event}, again: always}}
steps:
{steps}
"""
SEND = "  - send: {template: hello}\n"
TREATED_OR_HELD = {True: "holdout", False: "treated"}


class Brand:
    """A home, its clock, its workspace folder, and what a client would call."""

    def __init__(self, app: App, clock: VirtualClock, folder: Path) -> None:
        self.app, self.clock, self.folder = app, clock, folder
        self.calls: list[dict[str, Any]] = []
        self.said = 0
        self.write("templates/hello.html", TEMPLATE)
        self.write("policy.yaml", POLICY)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text)

    def journey(
        self,
        name: str,
        more: str = "",
        topic: str = "offers",
        event: str = "Signed Up",
        steps: str = SEND,
    ) -> None:
        text = JOURNEY.format(name=name, topic=topic, event=event, more=more, steps=steps)
        self.write(f"journeys/{name}.yaml", text)

    def apply(self, holdouts: str = "") -> None:
        self.write("policy.yaml", POLICY + holdouts)
        with self.app.ledger.write() as transaction:
            workspace.apply(transaction, self.folder, self.clock.now())

    def call(self, kind: str, user: str, **fields: Any) -> None:  # noqa: ANN401 - JSON
        self.said += 1
        body = {"type": kind, "userId": user, "messageId": f"call-{self.said}"}
        self.calls.append(body | fields)

    def join(self, user: str, zone: str = "Europe/Berlin", **traits: str) -> None:
        said = [{"topic": "offers", "channel": "email", "granted": True, "source": "form"}]
        context = {"timezone": zone, "consents": said}
        known = {"email": f"{user}@customers.example"} | traits
        self.call("identify", user, traits=known, context=context)
        self.call("track", user, event="Signed Up")

    def go(self, **ahead: float) -> None:
        self.clock.move(self.clock.now() + timedelta(**ahead))
        batch = json.dumps({"batch": self.calls}).encode()
        if self.calls:
            accepted = Accepted("app", self.clock.now(), collect(batch, "batch"))
            with self.app.ledger.write() as transaction:
                events_store.accept(transaction, [accepted])
        self.calls = []
        absorb(self.app)
        tick(self.app)

    def rows(self, query: str) -> list[dict[str, Any]]:
        with self.app.ledger.read() as transaction:
            return transaction.rows(query)

    def exposed(self, experiment: str) -> dict[str, str]:
        """The arm of each person who was exposed, by id."""
        rows = self.rows(f"SELECT * FROM exposures WHERE experiment = '{experiment}'")  # noqa: S608 - ours
        return {row["person_id"]: row["arm"] for row in rows}

    def people(self) -> dict[str, str]:
        rows = self.rows("SELECT value, person_id FROM identifiers WHERE kind = 'user_id'")
        return {row["value"]: row["person_id"] for row in rows}

    def refused(self, journey: str) -> set[str]:
        """Who was left alone by a journey."""
        rows = self.rows(
            "SELECT person_id FROM messages WHERE state = 'refused' AND reason = 'holdout'"  # noqa: S608 - ours
            f" AND arm = 'holdout' AND journey = '{journey}'"
        )
        return {row["person_id"] for row in rows}

    def sizes(self, name: str) -> Sizes:
        with self.app.ledger.read() as transaction:
            return history(transaction, name)


@pytest.fixture
def brand(tmp_path: Path) -> Iterator[Brand]:
    make_home(tmp_path / "home")
    clock = VirtualClock(START)
    app = open_app(tmp_path / "home", clock=clock)
    yield Brand(app, clock, tmp_path / "workspace")
    app.close()


def below(seed: str, share: float, people: set[str]) -> set[str]:
    """Those of the people whose bucket lies below a share."""
    ordered = sorted(people)
    found = buckets(seed, ordered)
    return {person for person, bucket in zip(ordered, found, strict=True) if bucket < share}


def test_each_holdout_encloses_the_next(brand: Brand) -> None:
    brand.journey("welcome", "program: onboarding\nholdout: 30%")
    brand.apply("holdouts: {universal: 20%, programs: {onboarding: 25%}}")
    for number in range(400):
        brand.join(f"u{number}")
    brand.go(minutes=1)
    people = set(brand.people().values())
    universal = below("universal", 0.2, people)
    program = below("onboarding", 0.25, people - universal)
    own = below("welcome", 0.3, people - universal - program)
    rest = people - universal - program
    assert min(map(len, (universal, program, own, rest - own))) > 20
    assert brand.exposed("universal") == {p: TREATED_OR_HELD[p in universal] for p in people}
    assert brand.exposed("onboarding") == {
        p: TREATED_OR_HELD[p in program] for p in people - universal
    }
    assert brand.exposed("welcome") == {p: TREATED_OR_HELD[p in own] for p in rest}
    assert brand.refused("welcome") == universal | program | own


def test_all_arms_are_exposed_at_the_same_moment_and_known_to_the_history(brand: Brand) -> None:
    brand.journey("welcome", "program: onboarding\nholdout: 30%")
    brand.apply("holdouts: {universal: 20%, programs: {onboarding: 25%}}")
    for number in range(120):
        brand.join(f"u{number}")
    brand.go(minutes=1)
    publish(brand.app)
    found = brand.app.engine.query("SELECT * FROM exposures", tables=[EXPOSURES], frames={})
    moments = found.group_by("experiment").agg(
        pl.col("exposed_at").unique().alias("at"), pl.col("arm").unique().sort().alias("arms")
    )
    assert moments.height == 3
    for row in moments.to_dicts():
        assert row["at"] == [START + timedelta(minutes=1)]
        assert row["arms"] == ["holdout", "treated"]
    assert found["unit"].equals(found["person_id"].alias("unit"))


def test_the_first_moment_counts(brand: Brand) -> None:
    brand.journey("welcome", "holdout: 50%", steps=f"{SEND}  - wait: 1d\n{SEND}")
    brand.apply("holdouts: {universal: 30%}")
    for number in range(40):
        brand.join(f"u{number}")
    brand.go(minutes=1)
    first = brand.rows("SELECT * FROM exposures ORDER BY exposure_id")
    brand.go(days=1)
    assert brand.rows("SELECT * FROM exposures ORDER BY exposure_id") == first
    assert brand.rows("SELECT count(*) AS n FROM messages") == [{"n": 80}]


def test_chance_comes_before_everything_that_forbids(brand: Brand) -> None:
    """Nobody's reachability, consent, time zone or cap decides who is counted."""
    brand.journey("welcome", "holdout: 40%")
    brand.journey("thanks", "holdout: 40%\npriority: -1")
    brand.apply("holdouts: {universal: 40%}")
    for number in range(40):
        brand.join(f"capped{number}")
        brand.join(f"asleep{number}", zone="America/Los_Angeles")
        brand.join(f"nowhere{number}", email="")
        brand.call("track", f"silent{number}", event="Signed Up")
    brand.go(minutes=1)
    people = set(brand.people().values())
    assert len(people) == 160
    assert set(brand.exposed("universal")) == people
    free = people - below("universal", 0.4, people)
    assert set(brand.exposed("welcome")) == set(brand.exposed("thanks")) == free
    reasons = {row["reason"] for row in brand.rows("SELECT DISTINCT reason FROM messages")}
    assert reasons == {None, "holdout", "unreachable", "quiet_hours", "lower_priority"}
    held = {row["person_id"] for row in brand.rows("SELECT * FROM messages WHERE arm = 'holdout'")}
    refused = brand.rows("SELECT DISTINCT reason FROM messages WHERE arm = 'holdout'")
    assert held >= people - free
    assert refused == [{"reason": "holdout"}]


def test_a_receipt_reaches_everybody_whom_its_own_journey_does_not_leave_alone(
    brand: Brand,
) -> None:
    brand.journey("receipt", "program: shop\nholdout: 20%", topic="receipts")
    brand.journey("welcome", "program: shop")
    brand.apply("holdouts: {universal: 50%, programs: {shop: 50%}}")
    for number in range(60):
        brand.call("identify", f"u{number}", traits={"email": f"u{number}@customers.example"})
        brand.call("track", f"u{number}", event="Signed Up")
    brand.go(minutes=1)
    people = set(brand.people().values())
    assert set(brand.exposed("receipt")) == people
    assert brand.refused("receipt") == below("receipt", 0.2, people)
    assert brand.refused("welcome") >= below("universal", 0.5, people)


def test_who_only_gets_receipts_is_exposed_to_neither(brand: Brand) -> None:
    brand.journey("receipt", "program: shop", topic="receipts")
    brand.apply("holdouts: {universal: 50%, programs: {shop: 50%}}")
    brand.join("u1")
    brand.go(minutes=1)
    assert brand.rows("SELECT * FROM exposures") == []


def test_a_share_of_nothing_is_no_holdout(brand: Brand) -> None:
    brand.journey("welcome", "program: onboarding\nholdout: 0%")
    brand.apply("holdouts: {universal: 0%, programs: {onboarding: 0%}}")
    brand.join("u1")
    brand.go(minutes=1)
    assert brand.rows("SELECT * FROM exposures") == []
    assert brand.rows("SELECT arm FROM messages") == [{"arm": "treated"}]
    assert brand.sizes("universal") == brand.sizes("onboarding") == brand.sizes("welcome")
    assert brand.sizes("welcome") == (0, 0, 0)


def test_resizing_moves_only_the_buckets_in_between(brand: Brand) -> None:
    brand.journey("nudge", event="Product Viewed")
    for number in range(300):
        brand.join(f"u{number}")
    held = []
    for share in (10, 30, 5):
        brand.apply(f"holdouts: {{universal: {share}%}}")
        for user in brand.people() or [f"u{number}" for number in range(300)]:
            brand.call("track", user, event="Product Viewed")
        brand.go(days=1)
        people = set(brand.people().values())
        day = f"{int(brand.clock.now().timestamp())}000000"
        now = brand.rows(
            f"SELECT person_id FROM messages WHERE arm = 'holdout' AND created_at = {day}"  # noqa: S608 - ours
        )
        held.append({row["person_id"] for row in now})
    assert held == [below("universal", share, people) for share in (0.1, 0.3, 0.05)]
    assert held[2] < held[0] < held[1]
    exposed = brand.exposed("universal")
    assert {person for person, arm in exposed.items() if arm == "holdout"} == held[0]
    assert brand.sizes("universal") == pytest.approx((0.05, 0.3, 0.05))


def test_the_sizes_of_a_holdout_count_from_when_it_first_left_anybody_alone(brand: Brand) -> None:
    for own, program in ((0, 0), (10, 20), (25, 20), (15, 40)):
        brand.journey("welcome", f"program: onboarding\nholdout: {own}%")
        brand.apply(f"holdouts: {{programs: {{onboarding: {program}%}}}}")
    assert brand.sizes("welcome") == pytest.approx((0.1, 0.25, 0.15))
    assert brand.sizes("onboarding") == pytest.approx((0.2, 0.4, 0.4))
    brand.apply()
    assert brand.sizes("onboarding") == pytest.approx((0.0, 0.4, 0.0))
    assert brand.sizes("nothing") == (0, 0, 0)


def test_a_household_is_left_alone_together(brand: Brand) -> None:
    brand.journey("welcome", "program: onboarding\nholdout: 30%")
    brand.apply("holdouts: {universal: 20%, programs: {onboarding: 25%}, cluster: household}")
    for number in range(240):
        brand.join(f"u{number}", household=f"Home {number // 4} ")
    brand.join("hermit")
    brand.go(minutes=1)
    names = {person: user for user, person in brand.people().items()}
    for experiment in ("universal", "onboarding", "welcome"):
        arms: dict[str, set[tuple[str, str]]] = {}
        rows = brand.rows(f"SELECT * FROM exposures WHERE experiment = '{experiment}'")  # noqa: S608 - ours
        for row in rows:
            user = names[row["person_id"]]
            home = "hermit" if user == "hermit" else str(int(user[1:]) // 4)
            arms.setdefault(home, set()).add((row["arm"], row["unit"]))
        assert {len(found) for found in arms.values()} == {1}
        assert {arm for found in arms.values() for arm, _ in found} == {"holdout", "treated"}
    alone = next(
        row
        for row in brand.rows("SELECT * FROM exposures WHERE experiment = 'universal'")
        if names[row["person_id"]] == "hermit"
    )
    assert alone["unit"] == alone["person_id"]


TEST = "  - test: {name: incentive, arms: {plain: 1, free: 1}}\n"


def test_only_who_may_hear_something_is_exposed_to_a_test(brand: Brand) -> None:
    steps = f"{TEST}  - wait: 1d\n{SEND}"
    brand.journey("nudge", "program: onboarding\nholdout: 25%", steps=steps)
    brand.apply("holdouts: {universal: 25%, programs: {onboarding: 25%}}")
    for number in range(300):
        brand.join(f"u{number}")
    brand.go(minutes=1)
    people = set(brand.people().values())
    universal = below("universal", 0.25, people)
    program = below("onboarding", 0.25, people)
    own = below("nudge", 0.25, people)
    plain = below("incentive", 0.5, people)
    free = people - universal - program - own
    assert brand.exposed("incentive") == {p: "plain" if p in plain else "free" for p in free}
    moments = brand.rows("SELECT DISTINCT exposed_at FROM exposures")
    assert len(moments) == 1
    assert brand.exposed("universal") == {}, "nothing was to be said yet"
    brand.go(days=1)
    assert set(brand.exposed("universal")) == people


def test_who_was_exposed_to_a_test_keeps_the_arm(brand: Brand) -> None:
    steps = f"  - test: delivery\n{SEND}"
    text = "experiment: delivery\narms: {{plain: 1, free: 1}}\ntraffic: {}%\n"
    brand.write("experiments/delivery.yaml", text.format(60))
    brand.journey("nudge", event="Product Viewed", steps=steps)
    brand.apply()
    for number in range(100):
        brand.call("track", f"u{number}", event="Product Viewed")
    brand.go(minutes=1)
    some = brand.exposed("delivery")
    assert set(some.values()) == {"plain", "free"}
    assert 40 < len(some) < 80
    brand.write("experiments/delivery.yaml", text.format(100))
    brand.apply()
    for number in range(100):
        brand.call("track", f"u{number}", event="Product Viewed")
    brand.go(days=1)
    every = brand.exposed("delivery")
    assert len(every) == 100
    assert {person: every[person] for person in some} == some


def test_who_moves_to_another_household_keeps_the_arm(brand: Brand) -> None:
    brand.journey("nudge", event="Product Viewed", steps=f"{TEST}{SEND}")
    brand.apply("holdouts: {cluster: household}")
    for number in range(60):
        brand.join(f"u{number}", household=f"home-{number}")
        brand.call("track", f"u{number}", event="Product Viewed")
    brand.go(minutes=1)
    exposed = brand.exposed("incentive")
    assert set(exposed.values()) == {"plain", "free"}
    for number in range(60):
        brand.join(f"u{number}", household="castle")
        brand.call("track", f"u{number}", event="Product Viewed")
    brand.go(days=1)
    said = brand.rows("SELECT person_id, variant FROM messages ORDER BY created_at")
    assert len(said) == 120
    assert {row["person_id"]: json.loads(row["variant"])["arm"] for row in said} == exposed


def test_a_household_shares_the_arm_of_a_test(brand: Brand) -> None:
    brand.journey("nudge", steps=f"{TEST}{SEND}")
    brand.apply("holdouts: {cluster: household}")
    for number in range(120):
        brand.join(f"u{number}", household=f"home-{number // 3}")
    brand.go(minutes=1)
    exposed = brand.exposed("incentive")
    homes: dict[int, set[str]] = {}
    for user, person in brand.people().items():
        homes.setdefault(int(user[1:]) // 3, set()).add(exposed[person])
    assert {len(arms) for arms in homes.values()} == {1}
    assert set().union(*homes.values()) == {"plain", "free"}
