"""Encryption and login: a password goes only to a server whose certificate is trusted."""

import asyncio
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from courtesy.ground.primitives.errors import InputError
from courtesy.stages.messages import Delivery, Email, Letter, SmtpServer
from courtesy.stages.messages.journal import Journal

CERTIFICATE = (
    "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost "
    "-addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem"
)


@dataclass
class Guarded:
    """A mail server that notes whether letters came encrypted, and the passwords it heard."""

    encrypted: list[bool] = field(default_factory=list)
    passwords: list[bytes] = field(default_factory=list)

    async def handle_DATA(self, server: Any, _session: object, _envelope: object) -> str:  # noqa: ANN401, N802 - aiosmtpd's
        self.encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
        return "250 taken"

    def login(self, *heard: Any) -> AuthResult:  # noqa: ANN401 - aiosmtpd's
        found = heard[4]
        assert isinstance(found, LoginPassword)
        self.passwords.append(found.password)
        return AuthResult(success=found.password == b"right", handled=False)


Start = Callable[..., int]
Sent = Callable[[str], Delivery]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a fresh certificate for localhost that nobody trusts."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(CERTIFICATE.split(), cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def guarded() -> Guarded:
    return Guarded()


@pytest.fixture
def start(guarded: Guarded, certificate: Path) -> Iterator[Start]:
    """Starts the server with STARTTLS, or with TLS from the first byte."""
    running: list[Controller] = []
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")

    def begin(*, at_once: bool = False) -> int:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = int(free.getsockname()[1])
        tls: dict[str, Any] = {"ssl_context": context} if at_once else {"tls_context": context}
        controller = Controller(
            guarded,
            hostname="127.0.0.1",
            port=port,
            authenticator=guarded.login,
            auth_require_tls=not at_once,
            **tls,
        )
        controller.start()
        running.append(controller)
        return port

    yield begin
    for controller in running:
        controller.stop()


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch, certificate: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))


@pytest.fixture
def sent(letter: Letter, journal: Journal) -> Sent:
    """What becomes of a letter at the server of a URL."""

    async def run(url: str) -> Delivery:
        channel = Email(replace(SmtpServer.from_url(url, connections=1), connect_seconds=5))
        delivery = await channel.deliver([letter], journal)
        await channel.close()
        return delivery

    return lambda url: asyncio.run(run(url))


def taken(delivery: Delivery) -> bool:
    return [str(one.kind) for one in delivery.receipts] == ["accepted"]


def why(delivery: Delivery) -> str:
    return delivery.provider_failure or ""


def test_encryption_that_is_offered_is_used_though_nobody_vouches_for_it(
    start: Start, sent: Sent, guarded: Guarded
) -> None:
    assert taken(sent(f"smtp://localhost:{start()}"))
    assert guarded.encrypted == [True]


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("at_once", [False, True])
def test_login_at_a_trusted_server(
    start: Start, sent: Sent, guarded: Guarded, *, at_once: bool
) -> None:
    scheme = "smtps" if at_once else "smtp"
    delivery = sent(f"{scheme}://ana:right@localhost:{start(at_once=at_once)}")
    assert (taken(delivery), guarded.encrypted) == (True, [True])
    assert set(guarded.passwords) == {b"right"}


@pytest.mark.parametrize("at_once", [False, True])
def test_no_password_for_a_server_that_nobody_trusts(
    start: Start, sent: Sent, guarded: Guarded, *, at_once: bool
) -> None:
    scheme = "smtps" if at_once else "smtp"
    delivery = sent(f"{scheme}://ana:right@localhost:{start(at_once=at_once)}")
    assert not delivery.receipts
    assert "certificate" in why(delivery).lower()
    assert guarded.passwords == []


@pytest.mark.usefixtures("trusted")
def test_a_wrong_password_is_no_letters_fault_and_is_told_without_it(
    start: Start, sent: Sent, guarded: Guarded
) -> None:
    delivery = sent(f"smtp://ana:wr%20ong@localhost:{start()}")
    assert not delivery.receipts
    assert "cannot be used: 535" in why(delivery)
    assert "wr ong" not in why(delivery)
    assert set(guarded.passwords) == {b"wr ong"}
    assert guarded.encrypted == []


def test_no_password_travels_in_the_clear_to_another_machine(sent: Sent, guarded: Guarded) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.2", 0))
        port = int(free.getsockname()[1])
    controller = Controller(
        guarded,
        hostname="127.0.0.2",
        port=port,
        authenticator=guarded.login,
        auth_require_tls=False,
    )
    controller.start()
    delivery = sent(f"smtp://ana:right@127.0.0.2:{port}")
    controller.stop()
    assert not delivery.receipts
    assert "STARTTLS" in why(delivery)
    assert guarded.passwords == []


def test_a_server_does_not_show_its_password() -> None:
    server = SmtpServer.from_url("smtps://ana%40x:se%2Fcret@mail.example", connections=2)
    assert (server.host, server.port, server.tls) == ("mail.example", 465, True)
    assert (server.user, server.password, server.connections) == ("ana@x", "se/cret", 2)
    assert "se/cret" not in repr(server)


@pytest.mark.parametrize(
    "url", ["", "mail.example", "http://mail.example", "smtp://", "smtp://h:x"]
)
def test_what_is_no_mail_server(url: str) -> None:
    with pytest.raises(InputError, match=r"host|smtp://"):
        SmtpServer.from_url(url)
