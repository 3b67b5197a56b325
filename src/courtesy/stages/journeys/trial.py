"""The arms that people have in the tests of their journey, and what is said to each arm."""

import msgspec
import polars as pl

from courtesy.stages.experiments import HOLDOUT
from courtesy.stages.journeys.model import INTENTS, Send, Trial
from courtesy.stages.journeys.variants import ARM, variant

_WORDS = ("template", "channels", "variant")
_object = msgspec.json.Decoder(dict[str, str]).decode


def tried(group: pl.DataFrame, trial: Trial, arms: pl.DataFrame) -> pl.DataFrame:
    """Give everybody who stands at a test their arm.

    Args:
        group: n ``ENROLLMENTS`` rows.
        trial: the test.
        arms: ``ARMS`` rows; who is not among them keeps the arm that they had in an earlier step,
            or else gets the control, and takes no part.

    Returns:
        The n rows, their ``tests`` with this one, and beside them ``chosen`` (the arm, null where
        the experiment is gone) and ``exposed``.
    """
    told = arms.filter(pl.col("experiment") == trial.experiment).select(
        "enrollment_id", pl.col("arm").alias("told"), "exposed"
    )
    known = group.join(told, on="enrollment_id", how="left", maintain_order="left")
    had = _arm_in(known["tests"], trial.experiment)
    counts = pl.col("exposed").fill_null(value=False) & (pl.col("arm") != HOLDOUT)
    chosen = known.with_columns(
        pl.coalesce("told", had, pl.lit(trial.control, dtype=pl.String)).alias("chosen"),
        counts.alias("exposed"),
    )
    return _remembered(chosen.drop("told"), trial.experiment)


def said(group: pl.DataFrame, send: Send) -> pl.DataFrame:
    """What a send says to each: the n rows with ``template``, ``channels`` and ``variant``."""
    texts = group["tests"].unique().to_list()
    rows = [(text, *_words(send, text)) for text in texts]
    kinds = {"tests": pl.String()} | {name: INTENTS[name] for name in _WORDS}
    words = pl.DataFrame(rows, schema=kinds, orient="row")
    return group.join(words, on="tests", how="left", nulls_equal=True, maintain_order="left")


def _words(send: Send, tests: str | None) -> tuple[str, list[str], str | None]:
    """The template, the channels and the variant for those with these arms."""
    arm = _object(tests).get(send.test) if tests and send.test else None
    if arm is None:
        return send.template, list(send.channels), None
    told = send.variants.get(arm) or variant(send, {ARM: arm})  # the arm may be gone by now
    return told.template, list(told.channels), msgspec.json.encode(dict(told.words)).decode()


def _arm_in(tests: pl.Series, experiment: str) -> pl.Series:
    found = {text: _object(text).get(experiment) for text in tests.drop_nulls().unique()}
    return tests.replace_strict(found, default=None, return_dtype=pl.String)


def _remembered(chosen: pl.DataFrame, experiment: str) -> pl.DataFrame:
    """The rows, with the chosen arm in ``tests``."""
    on = ["tests", "chosen"]
    pairs = chosen.select(on).unique()
    texts = [_with(tests, arm, experiment) for tests, arm in pairs.iter_rows()]
    added = pl.Series("added", texts, dtype=pl.String)
    known = chosen.join(
        pairs.with_columns(added), on=on, how="left", nulls_equal=True, maintain_order="left"
    )
    return known.with_columns(pl.col("added").alias("tests")).drop("added")


def _with(tests: str | None, arm: str | None, experiment: str) -> str | None:
    if arm is None:
        return tests
    every = {**(_object(tests) if tests else {}), experiment: arm}
    return msgspec.json.encode(every).decode()
