"""``courtesy lift``: what a journey changed, and what an experiment in outside data showed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from typer import _click
from typer.core import TyperGroup

from courtesy.doors.cli.frame import Json, answer, opened
from courtesy.doors.cli.moment import At, as_of
from courtesy.flow import lift_in_full
from courtesy.ground.primitives.errors import DataError
from courtesy.ground.stats import DEFAULT_ALPHA, AlwaysValid, Fixed, Rule
from courtesy.stages.lift import FilePlan, as_data, as_text, measure_file

_LARGEST_SHARE = 1e9


class _Named(TyperGroup):
    """Takes a first word that is no command for the name of what to measure."""

    def parse_args(self, ctx: _click.Context, args: list[str]) -> list[str]:
        unknown = bool(args) and not args[0].startswith("-") and args[0] not in self.commands
        return super().parse_args(ctx, ["name", *args] if unknown else args)


AlwaysValidOption = Annotated[
    bool, typer.Option("--always-valid/--fixed", help="For any number of looks, or for one.")
]
AlphaOption = Annotated[float, typer.Option(help="Accepted share of wrong alarms.")]

lift = typer.Typer(
    cls=_Named,
    help="Did it help? NAME is a journey, an experiment, a program or universal.",
    no_args_is_help=True,
)


@lift.command("name")
def measure_name(  # noqa: PLR0913, PLR0917 - one argument for each option
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A journey, an experiment, a program, or universal.")],
    metric: Annotated[
        list[str] | None, typer.Option(help="A metric beside its own; repeatable.")
    ] = None,
    by: Annotated[
        list[str] | None, typer.Option(help="A trait whose values are segments; repeatable.")
    ] = None,
    over_time: Annotated[
        bool, typer.Option("--over-time", help="Also as it was known on each day.")
    ] = False,
    always_valid: AlwaysValidOption = True,
    alpha: AlphaOption = DEFAULT_ALPHA,
    at: At = None,
    json: Json = False,
) -> None:
    """What a journey, an experiment or a program changed, beside the people it left alone."""
    with opened(context, as_of(context, at)) as app:
        found = lift_in_full(
            app,
            name,
            _rule(alpha, always_valid=always_valid),
            metrics=metric or (),
            by=by or (),
            over_time=over_time,
        )
    answer(as_data(found), json=json, text=lambda: as_text(found))


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
    always_valid: AlwaysValidOption = True,
    alpha: AlphaOption = DEFAULT_ALPHA,
    randomised: Annotated[
        bool, typer.Option("--randomised/--observed", help="Whether chance alone chose the arms.")
    ] = True,
    json: Json = False,
) -> None:
    """Effect, interval and relative lift of each arm, from a file."""
    plan = FilePlan(
        unit=unit,
        arm=arm,
        control=control.strip(),
        metrics=metric,
        covariates=covariate or (),
        cluster=cluster,
        shares=None if split is None else _shares(split),
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
    shares = [_share(part) for part in text.split(",")]
    arms = [arm for arm, _ in shares]
    twice = [arm for arm in arms if arms.count(arm) > 1]
    if twice:
        raise DataError(f"The arm {twice[0]!r} is there twice.", place="--split")
    return dict(shares)


def _share(part: str) -> tuple[str, float]:
    arm, _, number = part.rpartition(":")
    try:
        share = float(number)
    except ValueError:
        share = 0.0
    if not arm.strip() or not 1 / _LARGEST_SHARE <= share <= _LARGEST_SHARE:
        raise DataError(f"It looks like A:1,B:1; found {part!r}.", place="--split")
    return arm.strip(), share
