"""Exposures, pilots and learnings on both ledgers: what is kept and found is the same."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from courtesy.ground.ledger import Ledger, Transaction
from courtesy.ground.ledger.connection import MIGRATIONS
from courtesy.ground.ledger.migrate import upgrade
from courtesy.ground.primitives.errors import InputError
from courtesy.stages.experiments import KEPT, UNITS, Learning, Standing, store
from courtesy.stages.profiles import TRAITS
from courtesy.stages.profiles.store import put_traits

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def exposure(person: str, arm: str, at: datetime = NOON, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - a row's values
    row = {"experiment": "shipping", "entry": "{}", "unit": person}
    return {**row, "person_id": person, "arm": arm, "exposed_at": at, **more}


def expose(transaction: Transaction, *rows: dict[str, Any]) -> None:
    store.expose(transaction, pl.DataFrame(rows, schema=KEPT))


def people(*names: str) -> pl.DataFrame:
    return pl.DataFrame({"person_id": names}, schema={"person_id": pl.String})


def merged(transaction: Transaction, old: str, new: str) -> None:
    transaction.run("INSERT INTO merges VALUES (:old, :new, 0)", old=old, new=new)


def test_the_first_exposure_counts_with_its_unit(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        expose(transaction, exposure("bob", "free", unit="home"), exposure("ann", "paid"))
        expose(transaction, exposure("bob", "paid", NOON + HOUR), exposure("cid", "free"))
        expose(transaction)
    with ledger.read() as transaction:
        found = store.since(transaction, 0, 10)
        assert found.columns == ["exposure_id", *KEPT]
        assert found.select("person_id", "arm", "exposed_at", "unit").rows() == [
            ("ann", "paid", NOON, "ann"),
            ("bob", "free", NOON, "home"),
            ("cid", "free", NOON, "cid"),
        ]
        second = int(found["exposure_id"][1])
        assert store.since(transaction, second, 10)["person_id"].to_list() == ["cid"]
        assert store.since(transaction, 0, 1)["person_id"].to_list() == ["ann"]


def test_people_are_counted_by_arm(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        assert store.counts(transaction) == {}
        expose(
            transaction,
            *(exposure(person, "free") for person in ("ann", "bob")),
            exposure("cid", "paid"),
            exposure("cid", "a", experiment="other"),
        )
        assert store.counts(transaction) == {
            "other": {"a": 1},
            "shipping": {"free": 2, "paid": 1},
        }


def test_what_was_kept_before_units_were_known_has_the_person_as_its_unit(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        expose(transaction, exposure("ann", "paid", unit=None))
        assert store.since(transaction, 0, 10)["unit"].to_list() == ["ann"]


def test_exposures_from_before_traits_were_kept_have_none(url: str) -> None:
    ledger = Ledger(url)
    with ledger.write() as transaction:
        upgrade(transaction.connection, MIGRATIONS, url, "0002")
        transaction.run(
            "INSERT INTO exposures (experiment, person_id, arm, exposed_at, entry, unit)"
            " VALUES ('banner', 'ann', 'paid', 0, '{}', 'ann')"
        )
    ledger.migrate()
    with ledger.write() as transaction:
        expose(transaction, exposure("bob", "free", traits='{"tier":"gold"}'))
        found = store.since(transaction, 0, 10).select("person_id", "traits").rows()
        assert found == [("ann", None), ("bob", '{"tier":"gold"}')]
    ledger.close()


def test_traits_come_with_their_time_of_some_people_or_all(ledger: Ledger) -> None:
    rows = [("ann", "tier", '"gold"', NOON), ("ann", "size", "3", NOON), ("bob", "size", "4", NOON)]
    told = pl.DataFrame(rows, schema=TRAITS, orient="row")
    with ledger.write() as transaction:
        put_traits(transaction, told)
        ann, ann_s_size, bob_s_size = told.rows()
        assert store.traits_of(transaction, people("ann", "ann"), ["tier"]).rows() == [ann]
        assert sorted(store.traits_of(transaction, None, ["size"]).rows()) == [
            ann_s_size,
            bob_s_size,
        ]
        assert len(store.traits_of(transaction, None, ["size", "tier"])) == len(rows)
        for nothing in (
            store.traits_of(transaction, people(), ["tier"]),
            store.traits_of(transaction, None, []),
        ):
            assert nothing.is_empty()
            assert nothing.schema == TRAITS


def test_who_was_exposed_before_is_known_by_any_id_they_had(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        merged(transaction, "ann-phone", "ann")
        merged(transaction, "bob-phone", "bob")
        expose(
            transaction,
            exposure("ann-phone", "free"),
            exposure("ann", "paid", NOON + HOUR),
            exposure("bob-phone", "free"),
            exposure("cid", "paid"),
            exposure("dan", "free", experiment="other"),
        )
        asked = people("ann", "bob", "cid", "dan", "eve", "ann")
        found = store.exposed_before(transaction, "shipping", asked)
        assert sorted(found.rows()) == [("ann", "free"), ("bob", "free"), ("cid", "paid")]
        assert store.exposed_before(transaction, "shipping", people()).is_empty()


HOMES = {
    "ann": '" Smith "',
    "bob": '"smith"',
    "cid": "12",
    "dan": '"12"',
    "eve": "12.0",
    "fay": "12.5",
    "gus": "null",
    "hal": '"  "',
    "ida": '["smith"]',
    "joe": "true",
    "kim": '"\\u00dcBER"',
    "lea": '"über"',
    "max": "not json",
}


def test_equal_values_of_a_trait_are_one_unit_and_everybody_else_stands_alone(
    ledger: Ledger,
) -> None:
    with ledger.write() as transaction:
        for person, value in HOMES.items():
            for name, said in (("home", value), ("other", '"same"')):
                transaction.run(
                    "INSERT INTO traits VALUES (:person, :name, :said, 0)",
                    person=person,
                    name=name,
                    said=said,
                )
        asked = people("nobody", *HOMES, "ann")
        found = store.units_of(transaction, asked, "home")
        other = store.units_of(transaction, asked, "other")
    assert found.schema == UNITS
    assert found["person_id"].to_list() == asked["person_id"].to_list()
    unit = dict(found.rows())
    assert unit["ann"] == unit["bob"] != unit["cid"]
    assert unit["cid"] == unit["dan"] == unit["eve"] != unit["fay"]
    assert unit["kim"] == unit["lea"]
    alone = {"nobody", "gus", "hal", "ida", "joe", "max"}
    assert {person for person in unit if unit[person] == person} == alone
    assert len(set(unit.values())) == len(alone) + 4
    assert set(other["unit"]) - {"nobody"} != {unit["ann"]}
    assert other["unit"].n_unique() == 2


def test_without_a_trait_everybody_stands_alone(ledger: Ledger) -> None:
    with ledger.read() as transaction:
        found = store.units_of(transaction, people("b", "a"), None)
        assert found.schema == UNITS
        assert found.rows() == [("b", "b"), ("a", "a")]


PILOT = Standing("shipping", NOON, '{"primary":"bought"}', definition_hash="abc")


def test_a_pilot_starts_once_and_ends_once(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        assert store.standings(transaction) == {}
        store.start(transaction, PILOT)
        store.start(transaction, replace(PILOT, experiment="other"))
        assert store.standings(transaction)["shipping"] == PILOT
        with pytest.raises(InputError, match=r"shipping: .*started before"):
            store.start(transaction, replace(PILOT, plan="{}"))
        store.stop(transaction, "shipping", NOON + HOUR, "free", "better")
        ended = replace(PILOT, stopped_at=NOON + HOUR, kept="free", verdict="better")
        assert store.standings(transaction)["shipping"] == ended
        with pytest.raises(InputError, match=r"shipping: .*does not run"):
            store.stop(transaction, "shipping", NOON + 2 * HOUR, None, "worse")
        with pytest.raises(InputError, match=r"nothing: .*does not run"):
            store.stop(transaction, "nothing", NOON, None, "worse")
        with pytest.raises(InputError, match="started before"):
            store.start(transaction, PILOT)
        assert store.standings(transaction)["shipping"] == ended
        assert store.standings(transaction)["other"].stopped_at is None


def test_what_was_learned_is_found_by_words_that_all_occur(ledger: Ledger) -> None:
    one = Learning(
        "free-shipping",
        NOON,
        "ana@brand.example",
        "Costs keep people away.",
        "better",
        "Yes.",
        "{}",
    )
    two = Learning(
        "big-button",
        NOON + HOUR,
        None,
        "Größe zählt.",
        "not_significant",
        "50%_off\\ no",
        '{"a":1}',
    )
    with ledger.write() as transaction:
        store.learn(transaction, one)
        store.learn(transaction, two)
    with ledger.read() as transaction:
        wanted = {
            "": [two, one],
            "SHIPPING costs": [one],
            "shipping button": [],
            "GRÖSSE": [two],
            "%": [two],
            "0%_o": [two],
            "_": [two],
            "\\": [two],
            "better": [one],
            "ana": [],
            "a": [two, one],
        }
        assert {words: store.learnings(transaction, words) for words in wanted} == wanted


def test_two_of_one_instant_are_told_the_later_one_first(ledger: Ledger) -> None:
    one = Learning("a", NOON, None, "h", "better", "l", "{}")
    with ledger.write() as transaction:
        store.learn(transaction, one)
        store.learn(transaction, replace(one, experiment="b"))
        assert [found.experiment for found in store.learnings(transaction)] == ["b", "a"]
