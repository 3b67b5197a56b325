"""Lift from files: formats, dirty values, broken designs."""

import gzip
import json
import lzma
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm
import zstandard

from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats import Fixed
from courtesy.stages.lift import Comparison, FilePlan, Lift, as_data, as_text, measure_file

PLAN = FilePlan("user", "arm", "A", ["spent"], rule=Fixed())
PLAIN = "user,arm,spent,visits,group\n" + "".join(
    f"u{i},{'AB'[i % 2]},{i * 7 % 13},{1 + i % 3},{i // 4}\n" for i in range(40)
)
Write = Callable[..., Path]


def measured(path: Path, **changes: Any) -> Lift:  # noqa: ANN401 - any field of the plan
    lift = measure_file(path, replace(PLAN, **changes))
    whole(lift)
    return lift


def whole(lift: Lift) -> None:
    """Nothing is NaN or infinite, and what is unknown has a name."""
    shown = json.dumps(as_data(lift), allow_nan=False)
    if "null" in json.dumps(as_data(lift)["comparisons"]):
        assert lift.warnings, shown
    assert "nan" not in as_text(lift).lower()


def only(lift: Lift) -> Comparison:
    (found,) = lift.comparisons
    return found


def names(lift: Lift) -> set[str]:
    return {notice.name for notice in lift.warnings}


def test_all_formats_say_the_same(write: Write, tmp_path: Path) -> None:
    plain = write(PLAIN)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(PLAIN.encode()))
    (tmp_path / "a.csv.xz").write_bytes(lzma.compress(PLAIN.encode()))
    (tmp_path / "a.csv.zst").write_bytes(zstandard.compress(PLAIN.encode()))
    pl.read_csv(plain).write_parquet(tmp_path / "a.parquet")
    write(PLAIN.replace(",", ";"), "semicolons.txt")
    write(PLAIN.replace(",", "\t"), "tabs.tsv")
    expected = only(measured(plain))
    found = [path for path in tmp_path.iterdir() if path != plain]
    assert len(found) == 6
    for path in found:
        assert only(measured(path)).effect_low == pytest.approx(expected.effect_low), path.name


def test_figures_are_those_of_the_rows(write: Write) -> None:
    data = pl.read_csv(PLAIN.encode())
    means = {arm: data.filter(pl.col("arm") == arm)["spent"].mean() for arm in "AB"}
    found = only(measured(write(PLAIN)))
    assert found.control_mean == pytest.approx(means["A"])
    assert found.arm_mean == pytest.approx(means["B"])
    assert found.method == "fixed, mean"


def test_a_ratio_is_over_all_units_of_an_arm(write: Write) -> None:
    data = pl.read_csv(PLAIN.encode()).filter(pl.col("arm") == "B")
    found = only(measured(write(PLAIN), metrics=["spent/visits"]))
    assert found.arm_mean == pytest.approx(float(data["spent"].sum()) / float(data["visits"].sum()))
    assert found.method == "fixed, ratio, delta method"


def test_covariates_are_those_of_least_squares(write: Write) -> None:
    data = pl.read_csv(PLAIN.encode())
    treated = (data["arm"] == "B").to_numpy()
    columns = np.column_stack([np.ones(40), treated, data["visits"], data["group"]])
    oracle = sm.OLS(data["spent"].to_numpy(), columns).fit()
    found = only(measured(write(PLAIN), covariates=["visits", "group"]))
    assert found.effect == pytest.approx(oracle.params[1])


def test_clusters_are_the_units_that_chance_assigned(write: Write) -> None:
    rows = "".join(f"u{i},{'AB'[i // 5 % 2]},{i // 5 % 7},c{i // 5}\n" for i in range(200))
    path = write("user,arm,spent,class\n" + rows)
    plain, clustered = only(measured(path)), only(measured(path, cluster="class"))
    assert clustered.effect == pytest.approx(plain.effect)
    assert (clustered.control_units, plain.control_units) == (20, 100)
    assert plain.effect_high is not None
    assert clustered.effect_high is not None
    assert clustered.effect_high > plain.effect_high
    assert measured(path, cluster="class").arms[0].units == 100


def test_the_sample_ratio_of_clusters_counts_clusters(write: Write) -> None:
    large = "".join(f"u{i},A,1,c{i // 90}\n" for i in range(900))
    rows = large + "".join(f"v{i},B,1,d{i}\n" for i in range(10))
    lift = measured(write("user,arm,spent,class\n" + rows), cluster="class")
    assert lift.sample_ratio is not None
    assert lift.sample_ratio.p_value == 1


def test_words_are_yes_or_no(write: Write) -> None:
    rows = "".join(
        f"{i},{'AB'[i % 2]},{['True', 'false', 'YES', 'no'][i % 4]}\n" for i in range(80)
    )
    lift = measured(write("user,arm,spent\n" + rows))
    assert (only(lift).control_mean, only(lift).arm_mean) == (1, 0)
    assert only(lift).method == "fixed, proportion"


def test_the_kind_can_be_said(write: Write) -> None:
    rows = "".join(f"{i},{'AB'[i % 2]},{i % 3 % 2}\n" for i in range(300))
    path = write("user,arm,a:b/c\n" + rows)
    for metric, kind in {"a:b/c": "proportion", "a:b/c:mean": "mean"}.items():
        found = only(measured(path, metrics=[metric]))
        assert (found.metric, found.method) == ("a:b/c", f"fixed, {kind}")


def test_missing_values_are_left_out_by_name(write: Write) -> None:
    path = write("user,arm,spent\n1,A,5\n2,A,\n3,A,NA\n4,A,7\n5,B,nan\n6,B,8\n7,B,9\n8,,3\n,A,3\n")
    lift = measured(path)
    assert (only(lift).control_mean, only(lift).arm_mean) == (6, 8.5)
    assert {"missing_values", "missing_arm", "missing_unit"} <= names(lift)
    assert [arm.units for arm in lift.arms] == [4, 3]


def test_a_ratio_leaves_out_rows_that_lack_either_side(write: Write) -> None:
    path = write("user,arm,paid,clicks\n1,A,1,10\n2,A,,10\n3,A,2,10\n4,B,2,10\n5,B,4,10\n6,B,,10\n")
    found = only(measured(path, metrics=["paid/clicks"]))
    assert (found.control_mean, found.arm_mean) == (0.15, 0.3)


def test_more_missing_in_one_arm_is_an_alarm(write: Write) -> None:
    rows = "".join(f"{i},{'AB'[i % 2]},{'' if i % 8 == 1 else i % 5}\n" for i in range(800))
    assert "uneven_missing" in names(measured(write("user,arm,spent\n" + rows)))


def test_covariates_with_gaps_still_help(write: Write) -> None:
    random = np.random.default_rng(3)
    before = random.normal(size=400)
    spent = before * 5 + random.normal(size=400)
    rows = "".join(
        f"{i},{'AB'[i % 2]},{spent[i]},{'' if i % 10 == 3 else before[i]}\n" for i in range(400)
    )
    path = write("user,arm,spent,before\n" + rows)
    plain, adjusted = only(measured(path)), only(measured(path, covariates=["before"]))
    assert plain.effect_high is not None
    assert plain.effect is not None
    assert adjusted.effect_high is not None
    assert adjusted.effect is not None
    assert adjusted.effect_high - adjusted.effect < 0.6 * (plain.effect_high - plain.effect)
    assert adjusted.control_units == 200


def test_rows_of_one_unit_are_one(write: Write) -> None:
    path = write("user,arm,spent\n1,A,5\n1,A,6\n2,A,1\n3,B,4\n4,B,6\n")
    lift = measured(path)
    assert (only(lift).control_mean, only(lift).arm_mean) == (6, 5)
    assert "repeated_units" in names(lift)


def test_one_unit_in_two_arms_is_left_out(write: Write) -> None:
    path = write("user,arm,spent\n1,A,5\n1,B,6\n2,A,1\n3,A,3\n4,B,4\n5,B,6\n")
    lift = measured(path)
    assert [arm.units for arm in lift.arms] == [2, 2]
    assert (only(lift).control_mean, only(lift).arm_mean) == (2, 5)
    assert "two_arms" in names(lift)


def test_an_empty_arm_is_named(write: Write) -> None:
    lift = measured(write(PLAIN), shares={"A": 1, "B": 1, "C": 1})
    assert "empty_arm" in names(lift)
    assert [found.arm for found in lift.comparisons] == ["B"]


def test_a_constant_metric_has_an_effect_of_zero_and_no_interval(write: Write) -> None:
    rows = "".join(f"{i},{'AB'[i % 2]},5\n" for i in range(20))
    lift = measured(write("user,arm,spent\n" + rows))
    assert (only(lift).effect, only(lift).effect_low) == (0, None)
    assert "constant_metric" in names(lift)


def test_a_metric_that_nobody_has_is_named(write: Write) -> None:
    lift = measured(write("user,arm,spent\n1,A,\n2,A,\n3,B,\n4,B,\n"))
    assert only(lift).effect is None
    assert {"missing_values", "no_effect"} <= names(lift)


def test_a_control_of_zero_has_no_lift(write: Write) -> None:
    rows = "".join(f"{i},{'AB'[i % 2]},{i % 2 * (i % 3)}\n" for i in range(60))
    lift = measured(write("user,arm,spent\n" + rows), metrics=["spent:mean"])
    assert only(lift).lift is None
    assert only(lift).effect == 1
    assert "no_lift" in names(lift)


def test_values_of_a_thousand_million_keep_their_differences(write: Write) -> None:
    random = np.random.default_rng(5)
    small = random.normal(size=2_000)
    rows = [f"{i},{'AB'[i % 2]},{float(x)!r}," for i, x in enumerate(small)]
    large = [f"{row}{float(x) + 1e9!r}\n" for row, x in zip(rows, small, strict=True)]
    lift = measured(write("user,arm,small,large\n" + "".join(large)), metrics=["small", "large"])
    low, high = (next(c for c in lift.comparisons if c.metric == m) for m in ("small", "large"))
    assert high.effect == pytest.approx(low.effect, abs=1e-5)
    assert high.effect_low == pytest.approx(low.effect_low, abs=1e-5)


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_scaling_units_scales_the_effect_and_leaves_the_lift(write: Write, factor: float) -> None:
    rows = "".join(f"{i},{'AB'[i % 2]},{i % 7},{i % 7 * factor!r}\n" for i in range(100))
    lift = measured(write("user,arm,a,b\n" + rows), metrics=["a", "b"])
    plain, scaled = lift.comparisons
    assert plain.effect_low is not None
    assert scaled.effect_low == pytest.approx(plain.effect_low * factor)
    assert scaled.lift_low == pytest.approx(plain.lift_low)
    assert scaled.p_value == pytest.approx(plain.p_value)


def test_order_of_rows_never_matters(write: Write) -> None:
    header, *rows = PLAIN.splitlines()
    turned = write("\n".join([header, *reversed(rows)]), "turned.csv")
    one, other = only(measured(write(PLAIN))), only(measured(turned))
    assert one.effect == pytest.approx(other.effect)
    assert one.p_value == pytest.approx(other.p_value)


def test_without_chance_there_is_no_effect(write: Write) -> None:
    lift = measured(write(PLAIN), randomised=False)
    assert not lift.comparisons
    assert len(lift.associations) == 1
    assert "association" in as_text(lift)
    assert "effect " not in as_text(lift).split("!")[0]


def test_several_comparisons_are_corrected(write: Write) -> None:
    rows = "".join(f"{i},{'ABC'[i % 3]},{(i * 7) % 11 + i % 3}\n" for i in range(300))
    lift = measured(write("user,arm,spent\n" + rows))
    p_values = sorted(c.p_value for c in lift.comparisons if c.p_value is not None)
    strict = sorted(c.p_holm for c in lift.comparisons if c.p_holm is not None)
    assert strict[0] == pytest.approx(2 * p_values[0])
    assert math.isclose(strict[1], max(p_values[1], strict[0]))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"unit": "who"}, r"--unit: .*no column 'who'; there are: user, arm"),
        ({"arm": "who"}, r"--arm: .*no column 'who'"),
        ({"cluster": "who"}, r"--cluster: .*no column 'who'"),
        ({"metrics": ["who"]}, r"--metric: .*no column 'who'"),
        ({"metrics": ["who:mean"]}, r"--metric: .*no column 'who'"),
        ({"metrics": ["spent/who"]}, r"--metric: .*no column 'who'"),
        ({"metrics": []}, r"--metric: .*one metric"),
        ({"metrics": ["spent", "spent:mean"]}, r"--metric: .*spent is asked for twice"),
        ({"covariates": ["who"]}, r"--covariate: .*no column 'who'"),
        ({"control": "Z"}, r"--control: .*Nobody is in 'Z'; the arms are: A, B"),
        ({"shares": {"A": 1}}, r"--split: .*share of arm 'B'"),
        ({"metrics": ["spent:proportion"]}, r"row 2: spent: .*'7' is neither 0 nor 1"),
        ({"arm": "user", "control": "u1"}, r"beside the control|more than 100 arms"),
    ],
)
def test_what_does_not_fit_is_an_error_with_its_place(
    write: Write, changes: dict[str, Any], said: str
) -> None:
    rows = PLAIN + "".join(f"v{i},A,1,1,1\n" for i in range(200))
    with pytest.raises(DataError, match=said):
        measured(write(rows), **changes)


@pytest.mark.parametrize(
    ("text", "changes", "said"),
    [
        ("", {}, "empty"),
        ("user,arm,spent\n", {}, "no rows"),
        ("user,arm,spent\n1,A,5\n2,B,x7\n", {}, r"row 2: spent: .*'x7' is not a number"),
        ("user,arm,spent\n1,A,5\n2,B,inf\n", {}, r"row 2: spent: .*'inf' is not a number"),
        ("user,arm,spent\n1,A,5\n2,A,6\n", {}, "no arm with people beside"),
        ("user,arm,spent\n1,A,5\n1,B,6\n", {}, "user: .*No unit is in one arm alone"),
        (
            "user,arm,spent,n\n1,A,5,1\n2,B,6,-1\n",
            {"metrics": ["spent/n"]},
            r"row 2: n: .*below zero",
        ),
        ("user,arm,spent\n1,A,5\n2,B,6,7,8\n", {}, r"data.csv: .*Line: 3"),
        ('user,arm,spent\n1,A,5\n2,B,"6\n', {}, r"data.csv: .*Line: 3 .*quote"),
        ("user,arm,spent,arm\n1,A,5,B\n", {}, r"data.csv: .*'arm' is there twice"),
        ("user,arm,spent,Arm\n1,A,5,B\n", {}, r"data.csv: .*differs only in case"),
        ("\0user,arm,spent\n1,A,5\n", {}, r"data.csv: .*not UTF-8 text"),
        ("user,arm,spent\n1,A,1e99\n2,B,6\n", {}, r"row 1: spent: .*is not a number"),
    ],
)
def test_bad_rows_are_an_error_with_their_place(
    write: Write, text: str, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        measured(write(text), **changes)


@pytest.mark.parametrize("name", ["cut.csv.gz", "cut.csv.xz", "cut.csv.zst", "cut.parquet"])
def test_a_file_that_breaks_off_is_an_error(tmp_path: Path, name: str) -> None:
    text = "user,arm,spent\n" + "".join(f"{i},{'AB'[i % 2]},{i * i % 977}\n" for i in range(9_000))
    kinds: dict[str, Callable[[bytes], bytes]] = {
        "gz": gzip.compress,
        "xz": lzma.compress,
        "zst": zstandard.compress,
        "parquet": bytes,
    }
    whole_file = kinds[name.rpartition(".")[2]](text.encode())
    (tmp_path / name).write_bytes(whole_file[: len(whole_file) // 2])
    with pytest.raises(DataError, match=name):
        measured(tmp_path / name)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing\.csv: .*no such file"):
        measured(tmp_path / "nothing.csv")
