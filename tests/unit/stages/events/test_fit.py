"""A mapping has to fit the file before anything is imported."""

import pytest

from courtesy.ground.definitions import check, read_yaml
from courtesy.ground.primitives.errors import MappingError
from courtesy.stages.events.files import Chunk
from courtesy.stages.events.fit import check_fit, standard_mapping
from courtesy.stages.events.mapping import EventMapping, PersonMapping
from courtesy.stages.events.row import Row

MAPPING = """person: {user_id: person}
event: event
occurred_at: time
properties:
  offer: [value.offer id, value.offer_id]
  amount: value.amount
"""
ROWS = [
    Row(1, {"person": "p", "event": "viewed", "time": "t", "value": {"offer_id": "o"}}),
    Row(2, {"person": "p", "event": "bought", "time": "t", "value": {"amount": None}}),
]


def fit(text: str, *rows: Row) -> None:
    document = read_yaml("mapping.yaml", text)
    chunks = [Chunk([row], 0) for row in rows]
    check_fit(check(EventMapping, document), document, chunks)


def test_each_column_has_to_be_in_some_row() -> None:
    fit(MAPPING, *ROWS)


def test_a_column_that_is_in_no_row_is_named_with_its_place() -> None:
    with pytest.raises(MappingError) as error:
        fit(MAPPING.replace("value.amount", "value.amout"), *ROWS)
    assert error.value.message == (
        "mapping.yaml:6: properties.amount: This mapping does not fit the file. "
        "There is no column value.amout; the file has: person, event, time, value, "
        "value.offer_id, value.amount."
    )


@pytest.mark.parametrize(
    ("extra", "place"),
    [
        ("message_id: key\n", "mapping.yaml:7: message_id"),
        ("  label: {text: '{event} {nobody}'}\n", "mapping.yaml:7: properties.label"),
    ],
)
def test_every_part_of_a_mapping_is_looked_at(extra: str, place: str) -> None:
    with pytest.raises(MappingError) as error:
        fit(MAPPING + extra, *ROWS)
    assert error.value.place == place


def test_conditions_of_consents_are_looked_at() -> None:
    text = (
        "person: id\nconsents:\n  - {topic: a, channel: b, source: c, when: {column: age, is: 1}}"
    )
    document = read_yaml("m.yaml", text)
    with pytest.raises(MappingError) as error:
        check_fit(check(PersonMapping, document), document, [Chunk([Row(1, {"id": 1})], 0)])
    assert error.value.place == "m.yaml:3: consents[0].when.column"


def test_a_file_without_rows_fits() -> None:
    fit(MAPPING)


def test_no_more_is_read_than_needed() -> None:
    def rows() -> object:
        yield Chunk(ROWS, 0)
        pytest.fail("read on")

    document = read_yaml("mapping.yaml", MAPPING)
    check_fit(check(EventMapping, document), document, rows())  # type: ignore[arg-type]


def test_standard_names_need_no_mapping() -> None:
    row = Row(1, {"userId": 1, "event": "e", "timestamp": "t", "messageId": "m", "value": 2})
    found = standard_mapping(EventMapping, [row], "a.jsonl")
    assert found.person.user_id
    assert found.person.user_id.columns == ["userId"]
    assert found.occurred_at.columns == ["timestamp"]
    assert found.properties is None
    people = standard_mapping(PersonMapping, [Row(1, {"user_id": 1, "event": 2})], "a.csv")
    assert people.occurred_at is None


def test_other_names_need_one() -> None:
    with pytest.raises(MappingError) as error:
        standard_mapping(EventMapping, [Row(1, {"customer": 1, "event": "e"})], "a.csv")
    assert error.value.message == (
        "a.csv: This mapping does not fit the file. It has no column userId or user_id or "
        "anonymousId or anonymous_id; it has: customer, event. Say which columns are meant, "
        "with --mapping."
    )
    with pytest.raises(MappingError, match="It has no column timestamp or originalTimestamp"):
        standard_mapping(EventMapping, [Row(1, {"userId": 1, "event": "e"})], "a.csv")
