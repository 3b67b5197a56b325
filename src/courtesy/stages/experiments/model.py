"""The nouns of this stage."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from courtesy.ground.lake import Table

INSTANT = pl.Datetime("us", "UTC")
HOLDOUT = "holdout"
TREATED = "treated"

EXPOSED = pl.Schema(
    {
        "experiment": pl.String(),
        "person_id": pl.String(),
        "arm": pl.String(),
        "exposed_at": INSTANT,
        "entry": pl.String(),
    }
)
"""The first moment at which the arms of an experiment could differ for a person; ``entry`` is the
properties of the event that brought them there, as JSON."""

EXPOSURES = Table("exposures", "exposed_at", EXPOSED)


@dataclass(frozen=True)
class Split:
    """An experiment's arms with their shares, which add up to one, and the seed of its hash."""

    experiment: str
    shares: Mapping[str, float]
    seed: str

    @classmethod
    def holdout(cls, experiment: str, share: float) -> "Split":
        """Treat everyone but ``share`` (0 to 1) of the people."""
        return cls(experiment, {HOLDOUT: share, TREATED: 1 - share}, experiment)
