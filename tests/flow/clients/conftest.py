"""A served home, and the real clients that are pointed at it."""

import asyncio
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx
import pytest
import trustme
from playwright.sync_api import Browser, Page, sync_playwright

from courtesy.app import App, make_home, open_app
from courtesy.ground.primitives.ids import digest
from courtesy.stages.events import EVENTS, store

HERE = Path(__file__).parent
PAGE = HERE.parents[2] / "docs" / "clients.md"
ORIGIN = "https://shop.example/"
KEY = "wk_clients"
PATIENCE = 60
FoundT = TypeVar("FoundT")
Visit = Callable[[str], Page]
BUTTON = """
experiment: button
owner: growth@brand.example
arms: {blue: 1, green: 1}
control: blue
"""


def absent(what: str) -> None:
    line = f"{what} is absent: scripts/prepare.sh brings it on Debian as root"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{line}; in CI nothing may be skipped")
    pytest.skip(line)


@dataclass(frozen=True)
class Served:
    """A home behind a real server."""

    home: Path
    url: str
    secure_url: str

    def names(self, user: str, least: int) -> Counter[str]:
        """How often each event of a person arrived, once there are at least so many."""
        deadline = time.monotonic() + PATIENCE
        while sum((found := self._names(user)).values()) < least:
            assert time.monotonic() < deadline, found
            time.sleep(0.1)
        return found

    def _names(self, user: str) -> Counter[str]:
        sql = (
            "SELECT coalesce(event, type) AS name, count(*) AS n FROM events "  # noqa: S608 - ours
            f"WHERE user_id = '{user}' GROUP BY ALL"
        )

        def ask(app: App) -> Counter[str]:
            return Counter(dict(app.engine.query(sql, tables=[EVENTS], frames={}).iter_rows()))

        return at_home(self.home, ask)


@pytest.fixture(scope="session")
def packages() -> Path:
    """Where npm installed the clients."""
    folder = HERE / "node_modules"
    if not (folder / "@segment").is_dir() or shutil.which("node") is None:
        absent("The clients from npm")
    return folder


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of its own process, with one write key and one flag."""
    home = tmp_path_factory.mktemp("served") / "home"
    workspace = home.parent / "workspace"
    (workspace / "experiments").mkdir(parents=True)
    (workspace / "experiments" / "button.yaml").write_text(BUTTON, encoding="utf-8")
    make_home(home)
    at_home(home, _add_key)
    command = [sys.executable, "-m", "courtesy", "--home", str(home)]
    subprocess.run([*command, "apply", str(workspace)], check=True, stdout=subprocess.DEVNULL)
    port = _free_port()
    with encrypted(port) as secure_url:
        surroundings = {
            **os.environ,
            "COURTESY_NODE_MODULES": str(HERE / "node_modules"),
            "COURTESY_PUBLIC_URL": secure_url,
        }
        server = subprocess.Popen([*command, "serve", "--port", str(port)], env=surroundings)
        try:
            _wait_until_healthy(port)
            yield Served(home, f"http://127.0.0.1:{port}", secure_url)
        finally:
            server.terminate()
            server.wait(PATIENCE)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium; of one module, since Playwright's loop runs in this thread meanwhile."""
    path = shutil.which("chromium")
    if path is None:
        absent("Chromium")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    # A page of the wide world may else not ask a server on this machine.
    quiet.append("--disable-features=LocalNetworkAccessChecks")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=quiet)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser, packages: Path) -> Iterator[Visit]:
    """Opens a page of another origin with this markup."""
    assert packages.is_dir()
    context = chromium.new_context(ignore_https_errors=True)

    def visit(markup: str) -> Page:
        page = context.new_page()
        page.route(ORIGIN, lambda route: route.fulfill(body=markup, content_type="text/html"))
        page.goto(ORIGIN)
        return page

    yield visit
    context.close()


def block(title: str, url: str) -> tuple[str, str]:
    """The block under a title of docs/clients.md with our address and key, and its customer."""
    text = PAGE.read_text(encoding="utf-8")
    part = text.split(f"\n## {title}\n")[1].split("\n## ")[0]
    (found,) = re.findall(r"^```(?:html|js \w+|python)\n(.*?)^```", part, re.MULTILINE | re.DOTALL)
    customer = digest(title)
    ours = {"https://events.brand.example": url, "WRITE_KEY": KEY, "customer-1": customer}
    for theirs, mine in ours.items():
        found = found.replace(theirs, mine)
    return found, customer


def bundled(program: str) -> str:
    """A page with a program and the packages that it imports."""
    command = [str(HERE / "node_modules" / ".bin" / "esbuild"), "--bundle", "--format=esm"]
    done = subprocess.run(
        command, input=program, cwd=HERE, check=True, capture_output=True, text=True
    )
    whole = done.stdout.replace("</script", "<\\/script")
    return f'<!DOCTYPE html><meta charset="utf-8"><script type="module">{whole}</script>'


def at_home(home: Path, act: Callable[[App], FoundT]) -> FoundT:
    """What an act on an opened home returns; in a thread, since Playwright's loop has this one."""

    def opened() -> FoundT:
        app = open_app(home)
        try:
            return act(app)
        finally:
            app.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(opened).result()


def _add_key(app: App) -> None:
    with app.ledger.write() as transaction:
        store.add_source(transaction, "clients", KEY, app.clock.now())


@contextmanager
def encrypted(port: int) -> Iterator[str]:
    """TLS before a port, as a proxy in front of a server has it: analytics.js trusts only https."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inward, outward = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_copy(reader, outward), _copy(inward, writer))

    starting = asyncio.start_server(forward, "127.0.0.1", 0, ssl=context)
    server = asyncio.run_coroutine_threadsafe(starting, loop).result()
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_until_healthy(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            httpx.get(f"http://127.0.0.1:{port}/health").raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the server does not come up")
