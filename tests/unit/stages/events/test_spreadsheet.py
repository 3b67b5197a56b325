"""Delimited text as people really have it."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from courtesy.ground.primitives.errors import DataError
from courtesy.stages.events.encoding import Form
from courtesy.stages.events.files import chunks
from courtesy.stages.events.row import Row


def rows(path: Path, form: Form | None = None) -> list[Row]:
    return [row for chunk in chunks(path, form=form or Form()) for row in chunk.rows]


def read(folder: Path, data: bytes, name: str = "a.csv", form: Form | None = None) -> list[Row]:
    (folder / name).write_bytes(data)
    return rows(folder / name, form)


def test_cases_from_the_field(field: Callable[[str], Path]) -> None:
    assert [row.fields for row in rows(field("csv/tie.csv"))] == [
        {"id, no": "1", "email": "ana@customers.example"},
        {"id, no": "2", "email": "ben@customers.example"},
    ]
    assert rows(field("csv/space-before-quote.csv"))[0].fields == {
        "id": "1",
        "email": "ana@customers.example",
        "name": "Silva, Ana",
    }
    assert len(rows(field("csv/unquoted.csv"))[0].fields) == 3
    excel = rows(field("text-encodings/excel-unicode.csv"))
    assert list(excel[0].fields) == ["id", "email", "first_name", "newsletter"]
    sep = rows(field("text-encodings/sep-line.csv"))
    assert [(row.line, row.fields["first_name"]) for row in sep] == [(3, "Ana"), (4, "Bén")]


def test_tsv_is_tabs_and_a_mapping_may_say_another_delimiter(tmp_path: Path) -> None:
    assert read(tmp_path, b"a,b,c\td\n1\t2\n", "a.tsv")[0].fields == {"a,b,c": "1", "d": "2"}
    assert read(tmp_path, b"a^b\n1^2\n", form=Form("^"))[0].fields == {"a": "1", "b": "2"}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("name", ["a.csv.gz", "a.jsonl.gz", "a.gz"])
def test_marks_tell_the_encoding_also_of_what_is_packed(
    tmp_path: Path, name: str, encoding: str
) -> None:
    text = "id,n\n1,Bén\n" if "csv" in name else '{"id": "1", "n": "Bén"}\n'
    found = read(tmp_path, gzip.compress(text.encode(encoding)), name)
    assert found[0].fields == {"id": "1", "n": "Bén"}


def test_other_encodings_are_told_with_what_to_do(tmp_path: Path) -> None:
    data = "id,n\n1,Bén\n2,Ann\n".encode("windows-1252")
    found = read(tmp_path, data)
    assert found[0].fault.startswith("It is not UTF-8 (line 2): say encoding: windows-1252")
    assert found[1].fields == {"id": "2", "n": "Ann"}
    assert read(tmp_path, data, form=Form(encoding="windows-1252"))[0].fields["n"] == "Bén"


def test_an_open_quote_costs_its_own_row(tmp_path: Path) -> None:
    found = read(tmp_path, b'id,n\n1,Ann\n2,"Ben\n3,"Chi, jr"\n4,"Dan\nLee"\n5,"Eve\n6,Fay\n')
    assert [(row.line, row.fields.get("n"), row.begins) for row in found] == [
        (2, "Ann", ""),
        (3, None, '2,"Ben\n'),
        (4, "Chi, jr", ""),
        (6, "Dan\nLee", ""),
        (7, None, '5,"Eve\n'),
        (8, "Fay", ""),
    ]
    assert found[1].fault == "It is not CSV: the quote that opens on line 3 is not closed."


@pytest.mark.parametrize("data", [b'"a,b\n1,2\n', b'"a"x,b\n', b"PK\x03\x04\0\0", b"i\0d\0\n\0"])
def test_what_is_no_csv_is_a_sentence(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DataError):
        read(tmp_path, data)
