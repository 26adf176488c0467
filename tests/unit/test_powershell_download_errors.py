"""PowerShell's download explains in one sentence why a server, a network or a proxy failed."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.error import URLError

import pytest

from rehearsal.powershell import lookup, network_errors
from tests.unit.archive_server import ArchiveServer, serving
from tests.unit.powershell_setup import Computer, archive

pytestmark = pytest.mark.unit
INSTALLED = "powershell: 7.4.12 installed from the official release archive"


@pytest.mark.parametrize(
    ("status", "printed"), [(404, "404 Not Found"), (500, "500 Internal Server Error"), (403, "403 Forbidden")]
)
def test_a_server_that_refuses_is_reported(computer: Computer, status: int, printed: str) -> None:
    computer.server.status = status
    assert f"127.0.0.1 answered {printed}: the set-up goes on without PowerShell" in computer.fail()
    assert computer.rest() == set()


def test_a_name_that_cannot_be_resolved_is_reported(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    computer.publish(archive(), base="https://downloads.example/v7.4.12/")
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert "the name of downloads.example cannot be resolved:" in computer.fail()


def test_a_computer_without_a_network_is_reported(computer: Computer) -> None:
    computer.publish(archive(), base=f"http://127.0.0.1:{closed_port()}/")
    assert "127.0.0.1 cannot be reached (Connection refused):" in computer.fail()


def test_a_name_server_that_never_answers_does_not_block_the_set_up(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = threading.Event()

    def silent(*_: object, **__: object) -> None:
        ends.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(network_errors, "SILENCE_SECONDS", 0.2)
    computer.publish(archive(), base="https://downloads.example/v7.4.12/")
    monkeypatch.setattr(socket, "getaddrinfo", silent)
    try:
        assert "downloads.example sent nothing for 0.2 s:" in computer.fail()
    finally:
        ends.set()


@pytest.mark.parametrize("sent", [0, 1_000_000])
def test_a_connection_that_falls_silent_is_given_up(
    computer: Computer, monkeypatch: pytest.MonkeyPatch, sent: int
) -> None:
    monkeypatch.setattr(network_errors, "SILENCE_SECONDS", 0.2)
    computer.server.silent_after = sent
    assert "127.0.0.1 sent nothing for 0.2 s:" in computer.fail()
    assert lookup.locate_powershell() is None


def test_a_silent_server_is_given_up_within_five_seconds() -> None:
    assert network_errors.SILENCE_SECONDS < 5


@contextmanager
def proxy(monkeypatch: pytest.MonkeyPatch, scheme: str, status: int) -> Iterator[ArchiveServer]:
    """A proxy that answers everything with this status; its address in the environment holds a password."""
    with serving(ArchiveServer(status=status)) as server:
        monkeypatch.setenv(f"{scheme}_proxy", f"http://anna:s3cret@127.0.0.1:{server.port}")
        yield server


@pytest.mark.parametrize(("status", "printed"), [(403, "403 Forbidden"), (407, "407 Proxy Authentication Required")])
def test_a_proxy_that_refuses_the_tunnel_is_reported_without_its_password(
    computer: Computer, monkeypatch: pytest.MonkeyPatch, status: int, printed: str
) -> None:
    computer.publish(archive(), base="https://downloads.example/v7.4.12/")
    with proxy(monkeypatch, "https", status) as server:
        sentence = computer.fail()
    assert [(method, target) for method, target, _ in server.requests] == [("CONNECT", "downloads.example:443")]
    assert f"the proxy 127.0.0.1:{server.port} refused to connect to downloads.example ({printed}):" in sentence
    assert "s3cret" not in sentence
    assert "anna" not in sentence


@pytest.mark.parametrize(
    ("status", "printed"),
    [
        (403, "downloads.example, asked through the proxy 127.0.0.1:{port}, answered 403 Forbidden:"),
        (407, "the proxy 127.0.0.1:{port} answered 407 Proxy Authentication Required:"),
    ],
)
def test_a_proxy_that_refuses_a_plain_address_is_reported(
    computer: Computer, monkeypatch: pytest.MonkeyPatch, status: int, printed: str
) -> None:
    computer.publish(archive(), base="http://downloads.example/v7.4.12/")
    with proxy(monkeypatch, "http", status) as server:
        sentence = computer.fail()
    assert printed.format(port=server.port) in sentence
    assert "s3cret" not in sentence


@pytest.mark.parametrize(
    ("address", "printed"),
    [
        ("http://anna:s3cret@127.0.0.1:{port}", "the proxy 127.0.0.1:{port} cannot be reached (Connection refused):"),
        ("127.0.0.1:{port}", "the proxy 127.0.0.1:{port} cannot be reached (Connection refused):"),
        ("http://anna:s3/cret@127.0.0.1:{port}/", "the proxy 127.0.0.1:{port} cannot be reached"),
        ("http://anna:s3cret@127.0.0.1:http", "the proxy 127.0.0.1:http gave no usable answer (InvalidURL):"),
    ],
)
def test_a_proxy_that_is_not_there_is_reported(
    computer: Computer, monkeypatch: pytest.MonkeyPatch, address: str, printed: str
) -> None:
    port = closed_port()
    computer.publish(archive(), base="https://downloads.example/v7.4.12/")
    monkeypatch.setenv("https_proxy", address.format(port=port))
    sentence = computer.fail()
    assert printed.format(port=port) in sentence
    assert "anna" not in sentence
    assert "s3" not in sentence


def test_a_proxy_of_another_kind_is_reported(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    computer.publish(archive(), base="http://downloads.example/v7.4.12/")
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:1080")
    assert "the proxy 127.0.0.1:1080 cannot be used (unknown url type: socks5):" in computer.fail()


def test_a_proxy_that_speaks_another_protocol_is_reported(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    computer.publish(archive(), base="https://downloads.example/v7.4.12/")
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=speak_another_protocol, args=(server,))
        thread.start()
        port = server.getsockname()[1]
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        sentence = computer.fail()
        thread.join()
    assert f"the proxy 127.0.0.1:{port} gave no usable answer (BadStatusLine):" in sentence


def speak_another_protocol(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(1 << 16)
        connection.sendall(b"\x05\xff\r\n")


def test_an_address_that_the_environment_excepts_is_asked_without_the_proxy(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxy(monkeypatch, "http", 403) as server:
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        computer.server.status = 404
        assert "powershell: 127.0.0.1 answered 404 Not Found:" in computer.fail()
        computer.server.status = 200
        assert computer.set_up()[0][-1] == INSTALLED
    assert server.requests == []


def test_a_certificate_that_is_not_trusted_is_reported(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = ssl.SSLCertVerificationError(1, "certificate verify failed")
    problem.verify_message = "self-signed certificate in certificate chain"

    def refuse(*_: object, **__: object) -> None:
        raise URLError(problem)

    computer.publish(archive(), base="https://downloads.example/v7.4.12/")
    monkeypatch.setattr("urllib.request.OpenerDirector.open", refuse)
    sentence = computer.fail()
    assert "the certificate of downloads.example is not one that Python trusts (self-signed" in sentence


def closed_port() -> int:
    """One on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port: int = closed.getsockname()[1]
    return port
