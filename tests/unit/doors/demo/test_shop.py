import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from courtesy.doors.demo.people import draw
from courtesy.doors.demo.shop import Moments, Shop, batches
from courtesy.doors.demo.world import Scale, World
from courtesy.ground.primitives.clock import microseconds
from courtesy.stages.events import collect

START = datetime(2026, 3, 2, tzinfo=UTC)
LATER = START + timedelta(hours=1)


def shop(number: int = 100) -> Shop:
    return Shop(draw(number, 1, np.random.default_rng(1)))


def moments(who: list[int]) -> Moments:
    return Moments(np.array(who), np.full(len(who), microseconds(START)))


def events(bodies: list[bytes]) -> list[dict[str, Any]]:
    return [event for body in bodies for event in json.loads(body)["batch"]]


def test_every_call_of_the_world_is_accepted_and_has_an_id_of_its_own() -> None:
    world = World(Scale(people=800, days=3, seed=1), START)
    calls = [world.past(), *(world.hour(hour) for hour in range(72))]
    bodies = [body for one in calls for body in batches(one, LATER)]
    for body in bodies:
        found = collect(body, "batch")
        assert found.rejections == ()
    told = events(bodies)
    assert len({one["messageId"] for one in told}) == len(told) > 1_000
    names = {one.get("event") for one in told}
    assert {"Signed Up", "Product Viewed", "Product Added", "Order Completed"} <= names
    assert {one["type"] for one in told} == {"identify", "screen", "track"}


def test_a_batch_is_small_enough_and_in_order_of_time() -> None:
    many = shop(3_000)
    everybody = Moments(np.arange(3_000), microseconds(START) + np.arange(3_000)[::-1] * 1_000)
    bodies = list(batches([many.introduced(everybody)], LATER))
    assert len(bodies) == 3
    assert max(map(len, bodies)) < 500 * 1024
    times = [one["timestamp"] for one in events(bodies)]
    assert times == sorted(times)


def test_nothing_to_tell_is_no_batch() -> None:
    assert list(batches([shop().viewed(moments([]), np.array([], dtype=np.int64))], LATER)) == []


def test_an_introduction_says_who_it_is_and_what_they_agreed_to() -> None:
    people = draw(5, 1, np.random.default_rng(1))
    [call] = events(list(batches([Shop(people).introduced(moments([3]))], LATER)))
    assert call["userId"] == people.user_id[3]
    assert call["traits"]["email"] == people.email[3]
    consents = {one["topic"]: one["granted"] for one in call["context"]["consents"]}
    assert list(consents.values()) == people.allows[3].tolist()


def test_signing_up_begins_without_a_name() -> None:
    calls = shop().signed_up(moments([3]), np.array([0]))
    screen, identify, track = events(list(batches(calls, LATER)))
    assert "userId" not in screen
    assert screen["anonymousId"] == identify["anonymousId"]
    assert (identify["userId"], track["event"]) == (track["userId"], "Signed Up")
    assert track["properties"] == {"came_by": "app store"}
