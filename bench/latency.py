"""From an accepted event to the mail server: how long, at 100 events a second.

A real server process (``courtesy serve``) takes sign-ups over HTTP one by one; each invites into a
journey whose first step is an e-mail; a mail server in this process notes when each arrives.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx
import numpy as np
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

GOAL_SECONDS = 1.0
RATE = 100
WARM_UP = 200
POLICY = """
sender: {name: Brand, address: hello@brand.example}
postal_address: 1 Example Street
"""
JOURNEY = """
journey: welcome
topic: offers
entry: {event: Signed Up}
steps:
  - send: {template: hello}
"""
TEMPLATE = """---
subject: Hello
---
<p>Hello.</p><p>{{ postal_address }} <a href="{{ unsubscribe_url }}">stop</a></p>
"""


class Arrivals:
    """Notes when the mail for each recipient arrives."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.at[envelope.rcpt_tos[0].split("@")[0]] = time.perf_counter()
        return "250 OK"


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def write_workspace(folder: Path) -> None:
    """A policy, one journey, one template."""
    for name, text in {
        "policy.yaml": POLICY,
        "journeys/welcome.yaml": JOURNEY,
        "templates/hello.html": TEMPLATE,
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def courtesy(home: Path, *words: str) -> str:
    """Run a command to its end; returns what it printed."""
    command = [sys.executable, "-m", "courtesy", "--home", str(home), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


async def send(url: str, key: str, number: int, accepted: dict[str, float]) -> None:
    """Sign up ``number`` people, RATE a second, each in a call of its own."""
    limits = httpx.Limits(max_connections=50)
    async with httpx.AsyncClient(base_url=url, auth=(key, ""), limits=limits) as client:
        start = time.perf_counter()
        calls = []
        for i in range(number):
            await asyncio.sleep(max(0.0, start + i / RATE - time.perf_counter()))
            calls.append(asyncio.create_task(sign_up(client, f"u{i}", accepted)))
        await asyncio.gather(*calls)


async def sign_up(client: httpx.AsyncClient, user: str, accepted: dict[str, float]) -> None:
    """One person with consent, and the event that invites."""
    consent = {"topic": "offers", "channel": "email", "granted": True, "source": "form"}
    batch = [
        {
            "type": "identify",
            "userId": user,
            "messageId": f"i-{user}",
            "traits": {"email": f"{user}@customers.example"},
            "context": {"timezone": "UTC", "consents": [consent]},
        },
        {"type": "track", "userId": user, "messageId": f"t-{user}", "event": "Signed Up"},
    ]
    answer = await client.post("/v1/batch", content=json.dumps({"batch": batch}))
    answer.raise_for_status()
    accepted[user] = time.perf_counter()


def measure(seconds: int) -> dict[str, float]:
    """Latencies in seconds over so many seconds of sign-ups at RATE."""
    arrivals = Arrivals()
    mail = Controller(arrivals, hostname="127.0.0.1", port=free_port())
    mail.start()
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "home"
        write_workspace(Path(scratch) / "workspace")
        courtesy(home, "init")
        courtesy(home, "apply", str(Path(scratch) / "workspace"))
        key = json.loads(courtesy(home, "keys", "create", "bench", "--json"))["write_key"]
        port = free_port()
        command = [sys.executable, "-m", "courtesy", "--home", str(home)]
        environment = {
            **os.environ,
            "COURTESY_SMTP_URL": f"smtp://127.0.0.1:{mail.port}",
            "COURTESY_PUBLIC_URL": f"http://127.0.0.1:{port}",
        }
        server = subprocess.Popen([*command, "serve", "--port", str(port)], env=environment)
        try:
            wait_for(port)
            accepted: dict[str, float] = {}
            number = WARM_UP + seconds * RATE
            asyncio.run(send(f"http://127.0.0.1:{port}", key, number, accepted))
            wait_until_all(arrivals, number)
        finally:
            server.terminate()
            server.wait()
            mail.stop()
    users = [f"u{i}" for i in range(WARM_UP, number)]
    late = np.array([arrivals.at[user] - accepted[user] for user in users])
    p50, p99 = np.quantile(late, [0.5, 0.99])
    return {"events": float(len(late)), "p50": p50, "p99": p99, "max": late.max()}


def wait_for(port: int) -> None:
    """Until something listens there."""
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError


def wait_until_all(arrivals: Arrivals, number: int) -> None:
    """Until that many letters have arrived."""
    ready = threading.Event()
    for _ in range(600):
        if len(arrivals.at) >= number:
            return
        ready.wait(0.1)
    raise TimeoutError(f"only {len(arrivals.at)} of {number} letters arrived")


def main() -> None:
    """Print the figures."""
    for seconds in (10, 30):
        found = measure(seconds)
        print(
            f"latency: {found['events']:,.0f} sign-ups at {RATE}/s, accepted to SMTP: "
            f"p50 {found['p50'] * 1000:.0f} ms, p99 {found['p99'] * 1000:.0f} ms, "
            f"max {found['max'] * 1000:.0f} ms (goal: p99 < {GOAL_SECONDS:.0f} s)"
        )


if __name__ == "__main__":
    main()
