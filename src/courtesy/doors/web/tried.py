"""What came of each experiment, as its own page says it."""

from collections.abc import Iterator, Mapping

from courtesy.app import App
from courtesy.doors.web.experiment.gather import gather
from courtesy.doors.web.model import Tried
from courtesy.stages.experiments import store as experiments_store
from courtesy.workspace import Workspace


def tried(
    app: App, definitions: Workspace, truths: Mapping[str, float], pages: str
) -> Iterator[Tried]:
    """Measure every experiment in force that people took part in.

    Args:
        app: the home.
        definitions: what is in force in it.
        truths: the true effect by the experiment's name, where it is known.
        pages: how the name of each experiment's own file begins; empty where there are none.
    """
    with app.ledger.read() as transaction:
        people = experiments_store.counts(transaction)
    for name in sorted(definitions.experiments.keys() & people.keys()):
        page = f"{pages}-{name}.html" if pages else ""
        yield Tried(gather(app, name), truths.get(name), page)
