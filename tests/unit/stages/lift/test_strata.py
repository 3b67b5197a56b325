"""Post-stratified comparisons."""

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm

from courtesy.ground.stats import AlwaysValid, Fixed, Moments
from courtesy.stages.lift import Design, Outcome, Tally, conclude, stratified
from courtesy.stages.lift.model import MEAN, RATIO

random = np.random.default_rng(83)
UNITS = 4_000
STRATUM = random.integers(0, 3, UNITS)
ARM = random.random(UNITS) < 0.5
BEFORE = random.normal(size=UNITS)
SPENT = 5 * STRATUM + ARM + 2 * BEFORE + random.normal(size=UNITS)
ORDERS = 1 + random.poisson(1 + STRATUM)
ROWS = np.column_stack([SPENT, ORDERS, BEFORE])
WHO = {"control": ~ARM, "free": ARM}
DESIGN = Design("e", "control", {arm: int(who.sum()) for arm, who in WHO.items()}, None, Fixed())
PLAIN = Outcome("spent", MEAN, {arm: Moments.of(ROWS[who]) for arm, who in WHO.items()})


def tallies(outcome: Outcome) -> list[Tally]:
    found = []
    for stratum in range(3):
        parts = {arm: ROWS[who & (stratum == STRATUM)] for arm, who in WHO.items()}
        moments = {arm: Moments.of(rows) for arm, rows in parts.items()}
        units = {arm: len(rows) for arm, rows in parts.items()}
        found.append(Tally(str(stratum), units, (replace(outcome, moments=moments),)))
    return found


def test_it_is_the_regression_with_strata() -> None:
    dummies = np.column_stack([at == STRATUM for at in (1, 2)]).astype(float)
    centred = dummies - dummies.mean(axis=0)
    columns = np.column_stack([np.ones(UNITS), ARM, centred, centred * ARM[:, None]])
    oracle = sm.OLS(SPENT, columns).fit(cov_type="HC2")
    (found,) = stratified(DESIGN, tallies(PLAIN))
    low, high = oracle.conf_int()[1]
    assert found.effect == pytest.approx(oracle.params[1], rel=1e-9)
    assert found.effect_low == pytest.approx(low, rel=1e-3)
    assert found.effect_high == pytest.approx(high, rel=1e-3)
    assert found.method == "fixed, mean, post-stratified"
    assert found.p_holm == found.p_value


@pytest.mark.parametrize("rule", [Fixed(), AlwaysValid()])
@pytest.mark.parametrize("pairs", [((0, None),), ((0, None), (2, None))])
def test_strata_take_out_noise_with_and_without_covariates(
    rule: Fixed | AlwaysValid, pairs: tuple[tuple[int, int | None], ...]
) -> None:
    design, outcome = replace(DESIGN, rule=rule), replace(PLAIN, pairs=pairs)
    (plain,) = conclude(design, [outcome]).comparisons
    (found,) = stratified(design, tallies(outcome))
    assert found.method.endswith(", post-stratified")
    for one in (plain, found):
        assert one.effect_low is not None
        assert one.effect_high is not None
        assert one.effect_low < 1 < one.effect_high
    assert (found.effect_high or 0) - (found.effect_low or 0) < 0.65 * (
        (plain.effect_high or 0) - (plain.effect_low or 0)
    )


def test_a_ratio_is_stratified_too() -> None:
    ratio = replace(PLAIN, kind=RATIO, pairs=((0, 1),))
    (found,) = stratified(DESIGN, tallies(ratio))
    assert found.method == "fixed, ratio, delta method, post-stratified"
    shares = np.bincount(STRATUM) / UNITS
    parts = [ROWS[ARM & (stratum == STRATUM)].mean(axis=0) for stratum in range(3)]
    top, bottom, _ = shares @ np.array(parts)
    assert found.arm_mean_adjusted == pytest.approx(top / bottom)
    own = ROWS[ARM].mean(axis=0)
    assert found.arm_mean == pytest.approx(own[0] / own[1])


def test_clusters_and_arms_of_one_are_left_as_they_are() -> None:
    clustered = replace(PLAIN, pairs=((0, 1),), clustered=True)
    assert stratified(DESIGN, tallies(clustered)) == ()
    one = Moments.of(ROWS[:1])
    few = [Tally("0", {"control": 1}, (replace(PLAIN, moments={"control": one}),))]
    assert stratified(DESIGN, few) == ()
    assert stratified(DESIGN, []) == ()
