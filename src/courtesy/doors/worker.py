"""What goes on while the server runs: absorb, tick, deliver, keep the nights."""

import threading
from datetime import datetime, timedelta

import structlog

from courtesy.app import App
from courtesy.flow import absorb, deliver, may_deliver, night, recover, settle, tick
from courtesy.ground.ledger import progress
from courtesy.ground.primitives.errors import CourtesyError

_PAUSE = 0.25
_AFTER_TROUBLE = 2.0
_NIGHT = timedelta(hours=3)
_TASK = "night"
_log = structlog.get_logger("courtesy.worker")


class Worker:
    """Runs the flow whenever something arrived or is due."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._arrived = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="courtesy-worker", daemon=True)

    def start(self) -> None:
        """Begin; what a worker that died had claimed is settled first."""
        recover(self._app)
        self._thread.start()

    def wake(self) -> None:
        """Say that events have arrived."""
        self._arrived.set()

    def stop(self) -> None:
        """Finish what is under way and end."""
        self._stopped.set()
        self._arrived.set()
        self._thread.join()
        self._absorb_returns()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._arrived.wait(_PAUSE)
            self._arrived.clear()
            try:
                self._once()
            except CourtesyError as error:
                _log.error("worker paused", error=error.message)
                self._stopped.wait(_AFTER_TROUBLE)
            except Exception:  # noqa: BLE001 - the thread outlives what nobody foresaw
                _log.exception("worker paused")
                self._stopped.wait(_AFTER_TROUBLE)

    def _absorb_returns(self) -> None:
        """What was just sent comes into the lake, so that it tells of every send."""
        try:
            absorb(self._app)
        except CourtesyError as error:
            _log.error("the inbox keeps what came last", error=error.message)

    def _once(self) -> None:
        settle(self._app)
        absorb(self._app)
        tick(self._app)
        if may_deliver(self._app):
            deliver(self._app)
        if self._night_is_due():
            night(self._app)

    def _night_is_due(self) -> bool:
        now = self._app.clock.now()
        with self._app.ledger.read() as transaction:
            kept = progress.reached(transaction, _TASK)
        if kept is not None and kept >= _last_night(now):
            return False
        with self._app.ledger.write() as transaction:
            progress.reach(transaction, _TASK, now)
        return kept is not None


def _last_night(now: datetime) -> datetime:
    tonight = now.replace(hour=0, minute=0, second=0, microsecond=0) + _NIGHT
    return tonight if tonight <= now else tonight - timedelta(days=1)
