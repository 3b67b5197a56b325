"""Lift from files: values far from zero, values that do not vary, unknown arms."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from courtesy.ground.stats import AlwaysValid, Fixed, Rule
from courtesy.stages.lift import Comparison, FilePlan, Lift, as_data, measure_file

PLAN = FilePlan("user", "arm", "A", ["spent"], rule=Fixed())
PLAIN = "user,arm,spent,visits,group\n" + "".join(
    f"u{i},{'AB'[i % 2]},{i * 7 % 13},{1 + i % 3},{i // 4}\n" for i in range(40)
)
Write = Callable[..., Path]


def measured(path: Path, **changes: Any) -> Lift:  # noqa: ANN401 - any field of the plan
    lift = measure_file(path, replace(PLAN, **changes))
    json.dumps(as_data(lift), allow_nan=False)
    return lift


def only(lift: Lift) -> Comparison:
    (found,) = lift.comparisons
    return found


def names(lift: Lift) -> set[str]:
    return {notice.name for notice in lift.warnings}


def test_a_thousand_million_more_changes_nothing_in_clusters_either(write: Write) -> None:
    """Sums of such values over clusters of all sizes would lose all that differs between people."""
    random = np.random.default_rng(5)
    small = np.round(random.normal(size=2_000), 6).tolist()
    house = np.repeat(np.arange(2_000), random.integers(1, 5, 2_000))[:2_000].tolist()
    rows = [
        f"{i},{'AB'[h % 2]},{h},{x!r},{x + 1e9!r},{x + i % 2!r},"
        f"{1e9 + x + i % 2!r},{3e9 + 3 * x!r},3\n"
        for i, (h, x) in enumerate(zip(house, small, strict=True))
    ]
    names = ["small", "large", "before", "shifted", "triple", "three"]
    path = write(",".join(["user", "arm", "house", *names]) + "\n" + "".join(rows))
    asked = ["small", "large", "triple/three"]
    plain, shifted, ratio = measured(path, metrics=asked, cluster="house").comparisons
    for one in (shifted, ratio):
        assert one.control_mean == pytest.approx(1e9 + (plain.control_mean or 0), abs=1e-6)
        assert one.effect == pytest.approx(plain.effect, abs=1e-6)
        assert one.effect_low == pytest.approx(plain.effect_low, abs=1e-6)
        assert one.p_value == pytest.approx(plain.p_value, rel=1e-4)
    near, far = (
        only(measured(path, metrics=["large"], covariates=[covariate], cluster="house"))
        for covariate in ("before", "shifted")
    )
    assert near.effect_low == pytest.approx(far.effect_low, abs=1e-6)
    assert (far.effect_low or 0) > (shifted.effect_low or 0) + 0.01


def test_what_is_the_same_for_everybody_is_so_in_clusters_too(write: Write) -> None:
    rows = "".join(f"{i},{'AB'[i // 3 % 2]},{i // 3},3.3,{i % 4 + 1}\n" for i in range(200))
    path = write("user,arm,house,spent,n\n" + rows)
    lift = measured(path, cluster="house", rule=AlwaysValid())
    assert (only(lift).effect, only(lift).effect_low) == (0, None)
    assert "constant_metric" in names(lift)


@pytest.mark.parametrize("rule", [Fixed(), AlwaysValid()])
def test_arms_within_which_nothing_varies_tell_nothing_of_chance(write: Write, rule: Rule) -> None:
    rows = "".join(f"{i},{'AB'[i % 2]},{3 + i % 2}\n" for i in range(2_000))
    lift = measured(write("user,arm,spent\n" + rows), rule=rule)
    assert (only(lift).effect, only(lift).effect_low, only(lift).p_value) == (1, None, None)
    assert "constant_arms" in names(lift)
    assert "constant_metric" not in names(lift)


def test_values_below_zero_are_told(write: Write) -> None:
    lift = measured(write(PLAIN.replace("u1,B,7", "u1,B,-7")))
    assert ("negative_values", "1 of 40 rows have spent below zero; they count as they are.") in {
        (notice.name, notice.detail) for notice in lift.warnings
    }


def test_an_arm_of_which_nothing_is_known_leaves_the_others_as_they_are(write: Write) -> None:
    rows = [f"{i},{'AB'[i % 2]},{i * 7 % 13},{1 + i % 3},{i % 5}\n" for i in range(60)]
    more = [f"c{i},C,,{0},{i % 5}\n" for i in range(30)] + [f"d{i},D,4,0,1\n" for i in range(30)]
    head = "user,arm,spent,n,before\n"
    asked = {"metrics": ["spent", "spent/n"], "covariates": ["before"]}
    alone = measured(write(head + "".join(rows)), **asked)
    lift = measured(write(head + "".join(rows + more), "more.csv"), **asked)
    shown = {(c.arm, c.metric): c for c in lift.comparisons}
    assert shown["C", "spent"].effect is None
    assert shown["D", "spent/n"].effect is None
    assert "no_denominator" in names(lift)
    (_, first) = alone.comparisons
    assert shown["B", "spent/n"].effect == pytest.approx(first.effect)
    assert shown["B", "spent/n"].effect_low == pytest.approx(first.effect_low)


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_rows_may_be_numbered_and_end_in_any_way(tmp_path: Path, ends: str) -> None:
    rows = "".join(f"{i},{line}\n" for i, line in enumerate(PLAIN.splitlines()[1:]))
    path = tmp_path / "numbered.CSV.GZ"
    text = (f",{PLAIN.splitlines()[0]}\n" + rows).replace("\n", ends)
    path.write_bytes(gzip.compress(text.encode()))
    assert [arm.units for arm in measured(path).arms] == [20, 20]


def test_a_metric_that_is_its_own_covariate_is_told(write: Write) -> None:
    lift = measured(write(PLAIN), metrics=["spent", "visits"], covariates=["spent"])
    assert "own_covariate" in names(lift)
    assert lift.comparisons[1].effect_low is not None


def test_few_clusters_are_told(write: Write) -> None:
    assert "few_clusters" in names(measured(write(PLAIN), cluster="group"))
    assert "few_clusters" not in names(measured(write(PLAIN)))


def test_too_many_covariates_are_told(write: Write) -> None:
    asked = {"covariates": ["visits", "group"]}
    head, *rows = PLAIN.splitlines()
    few = write("\n".join([head, *rows[:5]]), "few.csv")
    assert "too_many_covariates" in names(measured(few, **asked))
    assert only(measured(few, **asked)).effect == pytest.approx(only(measured(few)).effect)
    assert "too_many_covariates" not in names(measured(write(PLAIN), **asked))
