"""Both ledgers. PostgreSQL's server is a throw-away cluster on loopback, gone afterwards."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from courtesy.ground.ledger import Ledger

Make = Callable[[], str]
_ABSENT = "PostgreSQL's initdb and pg_ctl are absent: run scripts/prepare.sh as root"


def _binaries() -> Path:
    installed = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])
    )
    found = shutil.which("initdb") or (installed[-1] if installed else None)
    if found:
        return Path(found).parent
    if os.environ.get("CI") == "true":
        pytest.fail(f"{_ABSENT}; in CI nothing may be skipped")
    pytest.skip(_ABSENT)


def _as_owner(*command: str | Path) -> None:
    """PostgreSQL refuses to run as root."""
    owner = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    subprocess.run([*owner, *map(str, command)], check=True, stdout=subprocess.DEVNULL, cwd="/")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a running server, without a database's name."""
    binaries, port = _binaries(), _free_port()
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    data = folder / "data"
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    settings = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    control = (binaries / "pg_ctl", "-D", data, "-w", "-l", folder / "log")
    try:
        _as_owner(
            *(binaries / "initdb", "-D", data, "-U", "courtesy", "-A", "trust"),
            *("-E", "UTF8", "--locale=C.UTF-8", "--no-sync"),
        )
        _as_owner(*control, "-o", settings, "start")
        yield f"postgresql+psycopg://courtesy:secret-word@127.0.0.1:{port}"
    finally:
        if (data / "postmaster.pid").exists():
            _as_owner(*control, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def new_postgresql(postgresql_server: str) -> Make:
    """Makes an empty database and returns its URL."""
    import psycopg  # noqa: PLC0415 - absent where PostgreSQL is not tested

    numbers = count()

    def make() -> str:
        name = f"ledger_{next(numbers)}"
        address = postgresql_server.replace("+psycopg", "")
        with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"{postgresql_server}/{name}"

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    make: Make = request.getfixturevalue("new_postgresql")
    return make()


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    opened = Ledger(url)
    opened.migrate()
    yield opened
    opened.close()
