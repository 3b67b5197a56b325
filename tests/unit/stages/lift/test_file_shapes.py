"""Lift from files: names, paths and headers of all shapes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats import Fixed
from courtesy.stages.lift import Comparison, FilePlan, Lift, measure_file

PLAN = FilePlan("user", "arm", "A", ["spent"], rule=Fixed())
ROWS = [("AB"[i % 2], i * 7 % 13, 1 + i % 3) for i in range(40)]
BODY = "".join(f"u{i},{arm},{spent},{visits}\n" for i, (arm, spent, visits) in enumerate(ROWS))
PLAIN = f"user,arm,spent,visits\n{BODY}"
Write = Callable[..., Path]


def measured(path: Path, **changes: Any) -> Lift:  # noqa: ANN401 - any field of the plan
    return measure_file(path, replace(PLAN, **changes))


def only(lift: Lift) -> Comparison:
    (found,) = lift.comparisons
    return found


def names(lift: Lift) -> set[str]:
    return {notice.name for notice in lift.warnings}


@pytest.fixture
def expected(write: Write) -> Comparison:
    return only(measured(write(PLAIN, "expected.csv")))


def test_columns_of_any_name_are_read_as_themselves(write: Write, expected: Comparison) -> None:
    """Such as V1, V2, ... of anonymous features, which are empty where the metric is not."""
    head = "user,arm,spent,visits,v0,V1,bad0,unit,low\n"
    rows = "".join(f"{line},,,,,\n" for line in BODY.splitlines())
    assert only(measured(write(head + rows))) == expected


def test_a_bad_value_is_found_beside_columns_of_any_name(write: Write) -> None:
    rows = "".join(f"{line},1\n" for line in BODY.replace("u3,B,8,1", "u3,B,8,x").splitlines())
    with pytest.raises(DataError, match=r"row 4: visits: .*'x' is not a number"):
        measured(write("user,arm,spent,visits,V1\n" + rows), metrics=["spent", "visits"])


@pytest.mark.parametrize("folder", ["arm=Z", "year=2026", "spent=1"])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_folder_says_nothing_about_the_rows(
    tmp_path: Path, folder: str, kind: str, expected: Comparison
) -> None:
    path = tmp_path / folder / f"data.{kind}"
    path.parent.mkdir()
    frame = pl.read_csv(PLAIN.encode())
    frame.write_parquet(path) if kind == "parquet" else frame.write_csv(path)
    assert only(measured(path)) == expected


@pytest.mark.parametrize("name", ["spent; net, in EUR, all", "spent\nnet", 'the "spent"', "a|b\tc"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_quoted_names_of_columns(
    write: Write, name: str, delimiter: str, expected: Comparison
) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    head = delimiter.join(["user", "arm", quoted, "visits"])
    path = write(f"{head}\n{BODY.replace(',', delimiter)}")
    assert only(measured(path, metrics=[name])) == replace(expected, metric=name)


def test_a_name_whose_quote_does_not_end_is_an_error(write: Write) -> None:
    with pytest.raises(DataError, match=r"data\.csv: .*quoted name"):
        measured(write('user,arm,"spent\n' + BODY))


@pytest.mark.parametrize(
    ("columns", "metric"),
    [
        ("paid/all,visits", "paid/all/visits"),
        ("paid,visits/all", "paid/visits/all"),
        ("a/b,c/d", "a/b/c/d"),
        ("a:mean,c:d", "a:mean/c:d"),
    ],
)
def test_a_ratio_of_columns_with_slashes(write: Write, columns: str, metric: str) -> None:
    plain = only(measured(write(PLAIN, "plain.csv"), metrics=["spent/visits"]))
    found = only(measured(write(f"user,arm,{columns}\n{BODY}"), metrics=[metric]))
    assert found == replace(plain, metric=metric)


def test_cells_of_tabs_and_spaces_are_empty(write: Write) -> None:
    path = write("user,arm,spent\n1,A,5\t\n2,A, \t\n3,A\t,7\n4,B,\t\t\n5,B, 8\n6,\tB,9\n")
    found = only(measured(path))
    assert (found.control_mean, found.arm_mean) == (6, 8.5)


def test_a_label_that_is_no_number_is_missing(tmp_path: Path) -> None:
    nan = float("nan")
    frame = pl.DataFrame(
        {
            "user": [nan, 1.0, 2.0, 3.0, 4.0, 5.0],
            "arm": [0.0, 0.0, 0.0, 1.0, 1.0, nan],
            "spent": [9, 1, 2, 3, 5, 9],
        }
    )
    frame.write_parquet(tmp_path / "data.parquet")
    lift = measured(tmp_path / "data.parquet", control="0.0")
    assert [(arm.arm, arm.units) for arm in lift.arms] == [("0.0", 2), ("1.0", 2)]
    assert {"missing_unit", "missing_arm"} <= names(lift)


def test_a_unit_in_two_clusters_is_told(write: Write) -> None:
    rows = "".join(f"u{i},{'AB'[i // 4 % 2]},{i % 5},c{i // 4}\n" for i in range(80))
    path = write(f"user,arm,spent,house\n{rows}u0,A,1,c2\n")
    assert "two_clusters" in names(measured(path, cluster="house"))
    assert "two_clusters" not in names(measured(path))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\nuser,arm,spent\n1,A,5\n", "Its first line is empty"),
        ("", "It is empty"),
        ("user,arm,spent\r\n1,A,5\r\n2,B,6\n3,B,6\n", "lines end in the same way"),
    ],
)
def test_what_is_wrong_with_a_text_is_told(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "data.csv").write_bytes(text.encode())
    with pytest.raises(DataError, match=rf"data\.csv: .*{said}"):
        measured(tmp_path / "data.csv")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="It is a folder"):
        measured(tmp_path)


def test_an_error_does_not_list_thousands_of_columns(write: Write) -> None:
    path = write("user,arm," + ",".join(f"c{i}" for i in range(3_000)) + "\n")
    with pytest.raises(DataError, match="c47 and 2952 more") as raised:
        measured(path)
    assert len(raised.value.message) < 500
