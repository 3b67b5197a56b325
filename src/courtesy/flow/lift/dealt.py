"""What chance dealt in an experiment whose traffic grew, for the test of the sample ratio."""

from courtesy import workspace
from courtesy.app import App
from courtesy.ground.ledger import Transaction
from courtesy.ground.rules.literals import literal, timestamp
from courtesy.stages.experiments import EXPOSURES, Experiment
from courtesy.stages.experiments.rounds import DEALT, Round, rounds, traffic_until
from courtesy.stages.lift import MERGES
from courtesy.stages.profiles import store as profiles_store

_DEALT = """
WITH everyone AS (
  SELECT MIN(x.arm) AS arm, MIN(COALESCE(x.unit, x.person_id)) AS unit
  FROM exposures AS x LEFT JOIN merges AS m ON m.person_id = x.person_id
  WHERE x.experiment = {experiment} AND x.exposed_at <= {now}
  GROUP BY COALESCE(m.into_id, x.person_id)
  HAVING MIN(x.arm) = MAX(x.arm)
)
SELECT DISTINCT unit, arm FROM everyone"""


def dealt(app: App, transaction: Transaction, experiment: Experiment) -> list[Round]:
    """The rounds of an experiment; none where its traffic was the same all the time.

    Args:
        app: the wired application, whose exposures are published.
        transaction: of the ledger.
        experiment: its definition in force.
    """
    now = app.clock.now()
    versions = [*workspace.versions_of(transaction, experiment.name), experiment]
    traffic = traffic_until(versions, now)
    if len(traffic) < 2:  # noqa: PLR2004 - one step is no ramp
        return []
    sql = _DEALT.format(experiment=literal(experiment.name), now=timestamp(now))
    merges = profiles_store.merges(transaction).select(MERGES.names())
    found = app.engine.query(sql, tables=[EXPOSURES], frames={"merges": merges})
    return rounds(experiment, traffic, found.cast(DEALT))
