"""Rows of every kind of file, whole and broken."""

import gzip
import lzma
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from courtesy.ground.primitives.errors import DataError
from courtesy.stages.events.encoding import not_utf8
from courtesy.stages.events.files import chunks, files_in
from courtesy.stages.events.row import Row

LINES = b'{"a": 1, "b": {"c": "x"}}\n\n{"a": 2}\n'
PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
}


def rows(path: Path) -> list[Row]:
    return [row for chunk in chunks(path) for row in chunk.rows]


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("packed", PACK)
@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.json", "A.JSONL"])
def test_json_lines(tmp_path: Path, name: str, packed: str) -> None:
    found = rows(written(tmp_path / (name + packed), PACK[packed](LINES)))
    assert found == [Row(1, {"a": 1, "b": {"c": "x"}}), Row(3, {"a": 2})]


@pytest.mark.parametrize("packed", PACK)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_with_any_usual_delimiter(tmp_path: Path, delimiter: str, packed: str) -> None:
    text = '\ufeffid,name\r\n1,"Ann\nLee, jr"\r\n\r\n007,\r\n'
    if delimiter != ",":
        text = text.replace(",", delimiter).replace(f"{delimiter} jr", ", jr")
    found = rows(written(tmp_path / f"a.csv{packed}", PACK[packed](text.encode())))
    assert [(row.line, row.fields, row.typed) for row in found] == [
        (3, {"id": "1", "name": "Ann\nLee, jr"}, False),
        (5, {"id": "007", "name": ""}, False),
    ]


@pytest.mark.parametrize("packed", PACK)
def test_parquet(tmp_path: Path, packed: str) -> None:
    fields = {"id": 7, "at": datetime(2026, 1, 1, tzinfo=UTC), "paid": Decimal("1.50"), "in": None}
    plain = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist([fields, {**fields, "id": 8}]), plain)
    path = written(tmp_path / f"b.parquet{packed}", PACK[packed](plain.read_bytes()))
    assert rows(path) == [Row(1, fields), Row(2, {**fields, "id": 8})]


def test_chunks_are_bounded_and_tell_how_far_they_have_read(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", b'{"a": 1}\n' * 25)
    found = list(chunks(path, size=10))
    assert [len(chunk.rows) for chunk in found] == [10, 10, 5]
    assert found[-1].read == path.stat().st_size


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"{broken", "It is not JSON: object keys must be strings (byte 1)."),
        (b"[1, 2]", "It is not a JSON object, or holds a number out of range."),
        (b'{"a": 1e999}', "It is not a JSON object, or holds a number out of range."),
        (b'{"a": "\xff"}', "It is not UTF-8 (line 2): say encoding"),
        (b'{"a": ' + b"[" * 5_000, "It is not JSON: "),
        (b'{"a": "' + b"x" * 1024 * 1024 + b'"}', "It is longer than 1,048,576 bytes."),
    ],
)
def test_a_line_that_cannot_be_read_has_a_fault(tmp_path: Path, line: bytes, fault: str) -> None:
    path = written(tmp_path / "a.jsonl", b'{"a": 1}\n' + line + b'\n{"a": 3}\n')
    found = rows(path)
    assert [row.line for row in found] == [1, 2, 3]
    assert [row.fields for row in found] == [{"a": 1}, {}, {"a": 3}]
    assert found[1].fault.startswith(fault)
    assert found[1].begins.startswith(line[:5].decode(errors="replace"))


def test_csv_rows_that_cannot_be_read_have_a_fault(tmp_path: Path) -> None:
    data = b'id,name\n1\n2,a,b\n3,\xff\n4,"a"b\n5,c\n6,"open\n'
    found = rows(written(tmp_path / "a.csv", data))
    assert [(row.line, row.fault) for row in found] == [
        (2, "It has 1 fields; the first line has 2."),
        (3, "It has 3 fields; the first line has 2."),
        (4, not_utf8(4)),
        (5, "It is not CSV: ',' expected after '\"'."),
        (6, ""),
        (7, "It is not CSV: the quote that opens on line 7 is not closed."),
    ]
    assert found[1].begins == "2,a,b"


@pytest.mark.parametrize("packed", [".gz", ".xz", ".zst"])
def test_a_compressed_file_that_breaks_off_says_after_which_line(
    tmp_path: Path, packed: str
) -> None:
    whole = PACK[packed](b"".join(b'{"a": %d}\n' % n for n in range(20_000)))
    path = written(tmp_path / f"a.jsonl{packed}", whole[: len(whole) * 3 // 4])
    lines: list[int] = []
    with pytest.raises(DataError, match="It is broken or breaks off") as error:
        lines.extend(chunk.rows[-1].line for chunk in chunks(path, size=1_000))
    assert lines[-1] >= 1_000
    assert error.value.place == f"{path}:{lines[-1] + 1}"


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.csv.xz", "a.jsonl.zst", "a.parquet"])
def test_a_file_that_is_not_what_its_name_says(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / name, b"nothing of the kind")
    with pytest.raises(DataError, match="It is broken or breaks off") as error:
        rows(path)
    assert error.value.place == f"{path}:1"


@pytest.mark.parametrize(
    ("name", "data", "detail"),
    [
        ("a.xlsx", b"", "Its name should end with .jsonl, .ndjson, .json, .csv, .tsv, .parquet,"),
        ("a.csv", b"id,id\n1,2\n", "Its first line should give each column a name of its own."),
        ("a.csv", b"id,\n1,2\n", "Its first line should give each column a name of its own."),
        ("a.json", b'[{"a": 1}]', "It is one JSON list; each line should be an object"),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, name: str, data: bytes, detail: str) -> None:
    path = written(tmp_path / name, data)
    with pytest.raises(DataError) as error:
        rows(path)
    assert error.value.detail.startswith(detail)
    assert error.value.place == str(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no such file"):
        rows(tmp_path / "a.csv")


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.jsonl.gz"])
def test_an_empty_file_has_no_rows(tmp_path: Path, name: str) -> None:
    data = gzip.compress(b"") if name.endswith("gz") else b""
    assert rows(written(tmp_path / name, data)) == []


@pytest.mark.parametrize("packed", [".gz", ".xz", ".zst"])
def test_what_is_compressed_and_has_no_other_ending_holds_json_lines(
    tmp_path: Path, packed: str
) -> None:
    path = written(tmp_path / f"1767312000000.4f2a.c9{packed}", PACK[packed](LINES))
    assert [row.fields["a"] for row in rows(path)] == [1, 2]
    other = written(tmp_path / f"a.xlsx{packed}", PACK[packed](b"PK"))
    with pytest.raises(DataError, match="Its name should end with"):
        rows(other)


def test_a_download_that_was_unpacked_on_its_way_is_read_as_it_is(tmp_path: Path) -> None:
    assert len(rows(written(tmp_path / "1767312000000.4f2a.gz", LINES))) == 2


def test_half_a_surrogate_pair_is_mended_as_in_a_call(tmp_path: Path) -> None:
    [row] = rows(written(tmp_path / "a.jsonl", b'{"a": "\\ud83d"}'))
    assert (row.fields, row.fault) == ({"a": "\ufffd"}, "")


def test_a_folder_holds_files_in_order_of_their_names(tmp_path: Path) -> None:
    for name in ("s/2/b.gz", "s/10/a.gz", "s/10/.DS_Store", "s/_SUCCESS", "a.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        written(tmp_path / name, b"")
    found = [str(path.relative_to(tmp_path)) for path in files_in(tmp_path)]
    assert found == ["a.csv", "s/10/a.gz", "s/2/b.gz"]
    assert files_in(tmp_path / "a.csv") == [tmp_path / "a.csv"]


def test_a_folder_has_to_hold_files_of_a_known_kind(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no file in this folder"):
        files_in(tmp_path)
    written(tmp_path / "a.xlsx", b"")
    with pytest.raises(DataError, match="Its name should end with") as error:
        files_in(tmp_path)
    assert error.value.place == str(tmp_path / "a.xlsx")
    with pytest.raises(DataError, match="There is no such file"):
        files_in(tmp_path / "absent")
