"""``courtesy lift file``: what an experiment in outside data showed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from courtesy.doors.cli.frame import Json, answer
from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats import AlwaysValid, Fixed, Rule
from courtesy.stages.lift import FilePlan, as_data, as_text, measure_file

lift = typer.Typer(help="Did it help?", no_args_is_help=True)


@lift.command("file")
def measure_data(  # noqa: PLR0913, PLR0917 - one argument for each option
    data: Annotated[Path, typer.Argument(help="CSV (also .gz, .xz, .zst) or Parquet.")],
    unit: Annotated[str, typer.Option(help="The column that names whom chance assigned.")],
    arm: Annotated[str, typer.Option(help="The column that names the arm.")],
    control: Annotated[str, typer.Option(help="The arm that the others stand beside.")],
    metric: Annotated[
        list[str], typer.Option(help="COL, COL:mean, COL:proportion or NUM/DEN; repeatable.")
    ],
    covariate: Annotated[
        list[str] | None, typer.Option(help="A column known before (CUPED); repeatable.")
    ] = None,
    cluster: Annotated[
        str | None, typer.Option(help="The column of the groups that were assigned as a whole.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Expected shares, such as A:1,B:1; equal otherwise.")
    ] = None,
    always_valid: Annotated[
        bool, typer.Option("--always-valid/--fixed", help="For any number of looks, or for one.")
    ] = True,
    alpha: Annotated[float, typer.Option(help="Accepted share of wrong alarms.")] = 0.05,
    randomised: Annotated[
        bool, typer.Option("--randomised/--observed", help="Whether chance alone chose the arms.")
    ] = True,
    json: Json = False,
) -> None:
    """Effect, interval and relative lift of each arm, from a file."""
    plan = FilePlan(
        unit=unit,
        arm=arm,
        control=control,
        metrics=metric,
        covariates=covariate or (),
        cluster=cluster,
        shares=_shares(split) if split else None,
        rule=_rule(alpha, always_valid=always_valid),
        randomised=randomised,
    )
    found = measure_file(data, plan)
    answer(as_data(found), json=json, text=lambda: as_text(found))


def _rule(alpha: float, *, always_valid: bool) -> Rule:
    if not 0 < alpha < 1:
        raise DataError(f"It lies between 0 and 1; found {alpha}.", place="--alpha")
    return AlwaysValid(alpha) if always_valid else Fixed(alpha)


def _shares(text: str) -> Mapping[str, float]:
    return dict(_share(part) for part in text.split(","))


def _share(part: str) -> tuple[str, float]:
    arm, _, number = part.rpartition(":")
    try:
        share = float(number)
    except ValueError:
        share = 0.0
    if not arm or not 0 < share < float("inf"):
        raise DataError(f"It looks like A:1,B:1; found {part!r}.", place="--split")
    return arm.strip(), share
