"""Builds and wires everything, once: one home, one ledger, one lake, one engine, one clock."""

import asyncio
import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from courtesy.ground.lake import DuckDBEngine, Engine, Lake, Part
from courtesy.ground.lake.pair import settle_pair
from courtesy.ground.ledger import Ledger, leases, progress
from courtesy.ground.primitives.clock import Clock, SystemClock
from courtesy.ground.primitives.errors import CourtesyError, HomeError
from courtesy.stages.events import EVENTS
from courtesy.stages.events import store as events_store
from courtesy.stages.experiments import EXPOSURES
from courtesy.stages.experiments import store as experiments_store
from courtesy.stages.messages import Channel, Email, Flight, SmtpServer
from courtesy.stages.messages import store as messages_store
from courtesy.stages.profiles import store as profiles_store

_SECRET_BYTES = 32
_WEB = ("http", "https")
_NO_MAIL_SERVER = (
    "No mail server is named: set COURTESY_SMTP_URL, such as smtp://user:password@mail.example:587."
)
_PUBLIC_URL = (
    "It says how people's browsers reach this server, such as https://mail.brand.example, and "
    "stands in every link of a message."
)
_NO_PUBLIC_URL = f"No public address is named: set COURTESY_PUBLIC_URL. {_PUBLIC_URL}"
_ADDRESSES = "consents of addresses"
PARTS = (
    Part(EVENTS, "inbox", events_store.number_of, events_store.explains, events_store.newest),
    Part(
        EXPOSURES,
        "ledger",
        int,
        lambda transaction, version: version <= experiments_store.newest(transaction),
        experiments_store.newest,
    ),
)
"""The tables of the lake that the ledger feeds."""


class Settings(BaseSettings):
    """What the surroundings decide; each is an environment variable ``COURTESY_…``.

    ``ledger_url``: the ledger's database; the SQLite file of the home when empty.
    ``smtp_url``: the mail server, as ``smtp://user:password@host:port`` (``smtps`` for TLS); none
    when empty, and then no message leaves.
    ``smtp_connections``: how many connections to it are kept open.
    ``node_modules``: where npm installed analytics.js, which is then served to browsers.
    ``public_url``: how people's browsers reach this server; stands in every link of a message,
    so that without one no message leaves.
    """

    model_config = SettingsConfigDict(env_prefix="COURTESY_")

    ledger_url: SecretStr = SecretStr("")
    smtp_url: SecretStr = SecretStr("")
    smtp_connections: int = 4
    node_modules: Path = Path("node_modules")
    public_url: str = ""


@dataclass(frozen=True)
class App:
    """Everything a door needs, in one place."""

    home: Path
    secret: bytes
    settings: Settings
    clock: Clock
    ledger: Ledger
    lake: Lake
    engine: Engine
    channels: Mapping[str, Channel]
    runner: asyncio.Runner
    flight: Flight
    machine_clock: Clock = field(default_factory=SystemClock)

    def close(self) -> None:
        """Let go of the connections to the ledger and to the channels' providers."""
        for channel in self.channels.values():
            self.runner.run(channel.close())
        self.runner.close()
        self._end_flight()
        self.ledger.close()

    def _end_flight(self) -> None:
        """Give up the lease where nothing is claimed; else another worker settles that."""
        if self.flight.journal.is_open and not self.flight.open:
            with suppress(HomeError), self.ledger.write() as transaction:
                leases.end_lease(transaction, self.flight.worker)
        self.flight.close()


def make_home(home: Path, settings: Settings | None = None) -> None:
    """Create a home, or bring an existing one to the newest version; repeating does no harm.

    Raises:
        HomeError: the folder cannot be written.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
        _make_secret(home / "secret")
    except FileExistsError as error:
        raise HomeError("It is a file, not a folder.", place=str(home)) from error
    except OSError as error:
        raise HomeError(f"{error.strerror}.", place=str(home)) from error
    ledger = _ledger(home, settings or Settings())
    ledger.migrate()
    ledger.close()


def open_app(
    home: Path,
    *,
    clock: Clock | None = None,
    settings: Settings | None = None,
    channels: Mapping[str, Channel] | None = None,
) -> App:
    """Wire a home that exists, and whose ledger and lake belong together.

    ``channels`` stand in for those of the settings.

    Raises:
        HomeError: there is no home in this folder, or it cannot be read.
        PairError: the ledger or the lake is of another time or home.
    """
    app = open_parts(home, clock=clock, settings=settings)
    app = app if channels is None else replace(app, channels=channels)
    try:
        _index_address_consents(app)
        settle_pair(app.ledger, app.lake, PARTS, app.clock.now())
    except CourtesyError:
        app.close()
        raise
    return app


def open_parts(home: Path, *, clock: Clock | None = None, settings: Settings | None = None) -> App:
    """Wire a home, whether its ledger and its lake belong together or not; for repairing it.

    Raises:
        HomeError: there is no home in this folder, or it cannot be read.
    """
    if not (home / "secret").is_file():
        advice = f"There is none yet; make it with: courtesy --home {home} init"
        raise HomeError(advice, place=str(home))
    chosen = settings or Settings()
    ledger = _ledger(home, chosen)
    ledger.migrate()
    lake = Lake(home / "lake")
    secret = bytes.fromhex((home / "secret").read_text(encoding="ascii"))
    return App(
        home=home,
        secret=secret,
        settings=chosen,
        clock=clock or SystemClock(),
        ledger=ledger,
        lake=lake,
        engine=DuckDBEngine(lake),
        channels=_channels(chosen),
        runner=asyncio.Runner(),
        flight=Flight(home / "flight", together=chosen.smtp_connections),
    )


def _index_address_consents(app: App) -> None:
    """Once, of a home from before: what people declared holds for their addresses, too."""
    with app.ledger.read() as transaction:
        if progress.reached(transaction, _ADDRESSES) is not None:
            return
    with app.ledger.write() as transaction:
        people = profiles_store.everybody(transaction)
        nothing = profiles_store.declarations(transaction, people.clear())
        messages_store.put_address_consents(transaction, nothing, people, app.secret)
        progress.reach(transaction, _ADDRESSES, app.clock.now())


def _ledger(home: Path, settings: Settings) -> Ledger:
    url = settings.ledger_url.get_secret_value()
    return Ledger(url or f"sqlite:///{(home / 'ledger.db').absolute()}")


def missing_to_send(app: App) -> Sequence[str]:
    """What must be set before any message can leave, each a sentence with what to do."""
    missing = [] if app.channels else [_NO_MAIL_SERVER]
    if not app.settings.public_url:
        return [*missing, _NO_PUBLIC_URL]
    parts = urlsplit(app.settings.public_url)
    if parts.scheme not in _WEB or not parts.hostname:
        missing.append(f"COURTESY_PUBLIC_URL is {app.settings.public_url!r:.80}. {_PUBLIC_URL}")
    return missing


def _channels(settings: Settings) -> Mapping[str, Channel]:
    """The channels that have a provider: what nobody named is not guessed."""
    url = settings.smtp_url.get_secret_value()
    if not url:
        return {}
    return {"email": Email(SmtpServer.from_url(url, connections=settings.smtp_connections))}


def _make_secret(path: Path) -> None:
    if path.is_file():
        return
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(_SECRET_BYTES))
