"""``courtesy lift file`` on published experiments: the figures that everybody knows."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from courtesy.doors.cli.main import commands, main
from courtesy.ground.primitives.errors import NotFoundError

Shared = Callable[[str], Path]
COMPARISON = {
    "arm",
    "control",
    "metric",
    "control_mean",
    "arm_mean",
    "effect",
    "effect_low",
    "effect_high",
    "lift",
    "lift_low",
    "lift_high",
    "p_value",
    "method",
}
GATE = ("--unit", "userid", "--arm", "test_version", "--control", "gate_30")
BOTH = ("--metric", "retention_1", "--metric", "retention_7:proportion")
FREE_TRIAL = ("--unit", "cookie", "--arm", "arm", "--control", "control", "--fixed")


def asked(data: Path, *options: str) -> dict[str, Any]:
    answer = CliRunner().invoke(commands, ["lift", "file", str(data), *options, "--json"])
    assert answer.exit_code == 0, answer.output
    assert "NaN" not in answer.stdout
    found = json.loads(answer.stdout)
    assert isinstance(found, dict)
    return found


def metric(found: Mapping[str, Any], name: str) -> dict[str, Any]:
    (one,) = [c for c in found["comparisons"] if c["metric"] == name]
    assert isinstance(one, dict)
    return one


def test_cookie_cats_retention_and_its_broken_split(shared_data: Shared) -> None:
    found = asked(shared_data("cookie-cats") / "cookie_cats.csv.gz", *GATE, *BOTH, "--fixed")
    assert [(arm["arm"], arm["units"]) for arm in found["arms"]] == [
        ("gate_30", 44_700),
        ("gate_40", 45_489),
    ]
    first, seventh = metric(found, "retention_1"), metric(found, "retention_7")
    assert (round(first["control_mean"], 4), round(first["arm_mean"], 4)) == (0.4482, 0.4423)
    assert (round(seventh["control_mean"], 4), round(seventh["arm_mean"], 4)) == (0.1902, 0.1820)
    assert seventh["effect_high"] < 0 < first["effect_high"]
    assert round(found["sample_ratio"]["p_value"], 4) == 0.0086
    assert found["sample_ratio"]["ok"] is False
    assert any(warning.startswith("sample_ratio") for warning in found["warnings"])
    assert set(first) >= COMPARISON


def test_cookie_cats_does_not_survive_peeking(shared_data: Shared) -> None:
    found = asked(shared_data("cookie-cats") / "cookie_cats.csv.gz", *GATE, *BOTH)
    seventh = metric(found, "retention_7")
    assert seventh["effect_low"] < 0 < seventh["effect_high"]
    assert seventh["method"].startswith("always-valid")


def _days(folder: Path, arm: str) -> pl.DataFrame:
    """The days of an arm; the last 14 rows end in tabs, as published."""
    clicks = pl.col("Clicks").str.strip_chars().cast(pl.Int64)
    return pl.read_csv(folder / f"{arm}_data.csv").with_columns(clicks, pl.lit(arm).alias("arm"))


def _cookies(folder: Path, days: int) -> pl.DataFrame:
    """One row for each click, of which so many enrolled and so many paid."""
    arms = []
    for arm in ("control", "experiment"):
        known = pl.col("Enrollments", "Payments").fill_null(0)
        clicks = pl.int_ranges(0, pl.col("Clicks")).alias("n")
        rows = _days(folder, arm).head(days).with_columns(clicks, known)
        arms.append(
            rows.explode("n").select(
                pl.format("{}-{}-{}", "arm", "Date", "n").alias("cookie"),
                "arm",
                (pl.col("n") < pl.col("Enrollments")).alias("enrolled"),
                (pl.col("n") < pl.col("Payments")).alias("paid"),
            )
        )
    return pl.concat(arms)


def test_udacity_free_trial_by_click(shared_data: Shared, tmp_path: Path) -> None:
    _cookies(shared_data("udacity-free-trial"), 23).write_parquet(tmp_path / "clicks.parquet")
    options = ("--metric", "enrolled", "--metric", "paid")
    found = asked(tmp_path / "clicks.parquet", *FREE_TRIAL, *options)
    gross, net = metric(found, "enrolled"), metric(found, "paid")
    for one, published in ((gross, (-0.0206, -0.0291, -0.0120)), (net, (-0.0049, -0.0116, 0.0019))):
        shown = tuple(round(one[name], 4) for name in ("effect", "effect_low", "effect_high"))
        assert shown == pytest.approx(published, abs=1e-9)


def test_udacity_free_trial_with_all_clicks_is_the_classic_error(
    shared_data: Shared, tmp_path: Path
) -> None:
    """Counting clicks whose enrolment is not known yet halves the rates and moves the effect."""
    _cookies(shared_data("udacity-free-trial"), 37).write_parquet(tmp_path / "all.parquet")
    wrong = metric(asked(tmp_path / "all.parquet", *FREE_TRIAL, "--metric", "enrolled"), "enrolled")
    assert round(wrong["effect"], 4) != -0.0206


def test_udacity_free_trial_by_day_leaves_out_days_without_an_outcome(
    shared_data: Shared, tmp_path: Path
) -> None:
    folder = shared_data("udacity-free-trial")
    cookie = pl.format("{}-{}", "arm", "Date").alias("cookie")
    days = [_days(folder, arm).with_columns(cookie) for arm in ("control", "experiment")]
    pl.concat(days).write_csv(tmp_path / "days.csv")
    options = ("--metric", "Enrollments/Clicks", "--metric", "Payments/Clicks")
    found = asked(tmp_path / "days.csv", *FREE_TRIAL, *options)
    assert round(metric(found, "Enrollments/Clicks")["effect"], 4) == -0.0206
    assert round(metric(found, "Payments/Clicks")["effect"], 4) == -0.0049
    assert metric(found, "Payments/Clicks")["control_units"] == 23
    assert sum(w.startswith("missing_values: 28 of 74 rows") for w in found["warnings"]) == 2


def test_starbucks_promotion_sells_and_loses_money(shared_data: Shared) -> None:
    data = shared_data("starbucks-promo-ab") / "training.csv.gz"
    found = asked(
        data, "--unit", "ID", "--arm", "Promotion", "--control", "No", "--metric", "purchase"
    )
    units = {arm["arm"]: arm["units"] for arm in found["arms"]}
    bought = metric(found, "purchase")
    treated, control = bought["arm_mean"] * units["Yes"], bought["control_mean"] * units["No"]
    assert units == {"No": 42_170, "Yes": 42_364}
    assert (round(treated), round(control)) == (721, 319)
    assert round(bought["effect"], 4) == 0.0095
    assert bought["effect_low"] > 0
    net = 10 * treated - 0.15 * units["Yes"] - 10 * control
    assert round(net, 2) == -2334.60


def test_mailing_that_was_not_randomised_has_no_effect(shared_data: Shared, tmp_path: Path) -> None:
    folder = shared_data("complete-journey")
    mailed = pl.read_csv(folder / "campaigns.csv.gz")["household_id"].unique()
    columns = ["household_id", "sales_value"]
    baskets = pl.read_csv(folder / "transactions_sample.csv.gz", columns=columns)
    spent = baskets.group_by("household_id").agg(pl.col("sales_value").sum())
    households = spent.with_columns(pl.col("household_id").is_in(mailed.implode()).alias("mailed"))
    households.write_csv(tmp_path / "households.csv")
    options = ("--unit", "household_id", "--arm", "mailed", "--control", "false")
    found = asked(tmp_path / "households.csv", *options, "--metric", "sales_value", "--observed")
    assert found["comparisons"] == []
    assert found["sample_ratio"] is None
    assert len(found["associations"]) == 1
    assert any(warning.startswith("not_randomised") for warning in found["warnings"])


def test_an_error_is_one_sentence_and_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--unit", "u", "--arm", "a", "--control", "x", "--metric", "m"]
    monkeypatch.setattr(
        "sys.argv", ["courtesy", "lift", "file", str(tmp_path / "no.csv"), *options]
    )
    with pytest.raises(SystemExit) as stopped:
        main()
    shown = capsys.readouterr()
    assert stopped.value.code == 1
    assert shown.out == ""
    assert "no such file" in shown.err
    assert "Traceback" not in shown.err


@pytest.mark.parametrize(
    "options",
    [
        ("--alpha", "1.5"),
        ("--split", "A"),
        ("--split", "A:1,B:-2"),
        ("--split", "A:1,B:1,A:2"),
        ("--split", "A:nan"),
        ("--split", ""),
        ("--split", " :1,B:1"),
        ("--split", "A:1e308,B:1e308"),
    ],
)
def test_impossible_options_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    data = tmp_path / "data.csv"
    data.write_text("u,a,m\n1,A,1\n2,B,2\n", encoding="utf-8")
    need = ["--unit", "u", "--arm", "a", "--control", "A", "--metric", "m"]
    monkeypatch.setattr("sys.argv", ["courtesy", "lift", "file", str(data), *need, *options])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 1


def test_the_text_says_what_the_json_says(shared_data: Shared) -> None:
    data = shared_data("cookie-cats") / "cookie_cats.csv.gz"
    answer = CliRunner().invoke(commands, ["lift", "file", str(data), *GATE, *BOTH, "--fixed"])
    assert "retention_7: 18.2% with gate_40, 19.0% with gate_30. No verdict" in answer.stdout
    assert "retention_1: 44.2% with gate_40, 44.8% with gate_30. No verdict" in answer.stdout
    assert "sample ratio NOT as expected" in answer.stdout


def test_a_word_that_is_no_command_is_the_name_of_a_journey(tmp_path: Path) -> None:
    home = ["--home", str(tmp_path / "home")]
    assert CliRunner().invoke(commands, [*home, "init"]).exit_code == 0
    with pytest.raises(NotFoundError, match="nothing to measure under 'welcome'"):
        CliRunner().invoke(commands, [*home, "lift", "welcome"], catch_exceptions=False)


def test_names_in_brackets_are_shown_as_they_are(tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    data.write_text("u,a,[bold]m\n1,A,1\n2,B,2\n3,A,2\n4,B,7\n", encoding="utf-8")
    options = ["--unit", "u", "--arm", "a", "--control", "A", "--metric", "[bold]m"]
    answer = CliRunner().invoke(commands, ["lift", "file", str(data), *options])
    assert "[bold]m: 4" in answer.stdout
    assert "The data do not show a difference" in answer.stdout
