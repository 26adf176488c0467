"""PowerShell's download: it goes on after a break, is verified, and says in one sentence what went wrong."""

from __future__ import annotations

import errno
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest

from rehearsal.powershell import download, lookup, network_errors
from tests.unit.archive_server import ArchiveServer, serving
from tests.unit.powershell_setup import FILLING, Computer, archive

pytestmark = pytest.mark.unit
INSTALLED = "powershell: 7.4.12 installed from the official release archive"


def test_progress_is_told_in_megabytes_and_percent(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "BETWEEN_LINES", 0)
    said, _ = computer.set_up()
    told = [re.fullmatch(r"powershell: (\d+) of 3 MB, (\d+) %", line) for line in said[1:-1]]
    percents = [int(line[2]) for line in told if line]
    assert len(percents) == len(told) > 3
    assert percents == sorted(percents)
    assert percents[-1] == 100


def test_a_download_that_breaks_off_goes_on_from_there_at_once(computer: Computer) -> None:
    computer.server.breaks_after = 1_000_000
    said, failures = computer.set_up()
    assert computer.server.ranges == [None, "bytes=1000000-"]
    assert "broke off after 1 of 3 MB, 33 %: going on from there" in said[1]
    assert (said[-1], failures) == (INSTALLED, [])
    assert_unpacked(computer)


def test_a_download_that_breaks_off_again_and_again_goes_on_in_the_next_set_up(computer: Computer) -> None:
    computer.server.breaks_after, computer.server.breaks_always = 200_000, True
    assert "the connection to 127.0.0.1 broke off after 1 of 3 MB, 19 %:" in computer.fail()
    assert computer.download.stat().st_size == 600_000
    assert lookup.find() is None
    computer.server.breaks_after = None
    computer.server.requests.clear()
    assert computer.set_up()[0][-1] == INSTALLED
    assert computer.server.ranges == ["bytes=600000-"]
    assert_unpacked(computer)


def test_a_server_that_gives_no_parts_gives_the_whole_again(computer: Computer) -> None:
    computer.server.breaks_after = 1_000_000
    computer.server.parts = False
    assert computer.set_up()[0][-1] == INSTALLED
    assert computer.server.ranges == [None, "bytes=1000000-"]
    assert_unpacked(computer)


def test_a_server_that_gives_another_part_is_asked_for_the_whole(computer: Computer) -> None:
    computer.server.breaks_after = 1_000_000
    computer.server.range_shift = 7
    assert computer.set_up()[0][-1] == INSTALLED
    assert computer.server.ranges == [None, "bytes=1000000-", None]
    assert_unpacked(computer)


@pytest.mark.parametrize(
    ("size", "ranges"),
    [
        pytest.param(500_000, ["bytes=500000-", None], id="shorter than the archive"),
        pytest.param(9_000_000, ["bytes=9000000-", None], id="longer than the archive"),
    ],
)
def test_a_download_that_is_garbage_is_begun_again(computer: Computer, size: int, ranges: list[str | None]) -> None:
    computer.download.parent.mkdir(parents=True)
    computer.download.write_bytes(b"\0" * size)
    assert computer.set_up()[0][-1] == INSTALLED
    assert computer.server.ranges == ranges
    assert_unpacked(computer)


def test_a_download_that_is_there_already_is_unpacked_without_a_server(computer: Computer) -> None:
    computer.download.parent.mkdir(parents=True)
    computer.download.write_bytes(computer.server.content)
    assert computer.set_up()[0][-1] == INSTALLED
    assert computer.server.requests == []
    assert_unpacked(computer)


def test_an_archive_with_another_hash_is_thrown_away_unopened(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []
    computer.publish(archive(), sha256="0" * 64)
    monkeypatch.setattr("tarfile.open", lambda *given, **_: opened.append(given))
    assert "what 127.0.0.1 sent does not have the pinned SHA-256" in computer.fail()
    assert opened == []
    assert computer.rest() == set()
    assert lookup.find() is None


@pytest.mark.parametrize(
    ("status", "said"), [(404, "404 Not Found"), (500, "500 Internal Server Error"), (403, "403 Forbidden")]
)
def test_a_server_that_refuses_is_told_of(computer: Computer, status: int, said: str) -> None:
    computer.server.status = status
    assert f"127.0.0.1 answered {said}: the set-up goes on without PowerShell" in computer.fail()
    assert computer.rest() == set()


def test_a_name_that_cannot_be_resolved_is_told_of(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    computer.publish(archive(), base="https://downloads.example/v7.4.12/")
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert "the name of downloads.example cannot be resolved:" in computer.fail()


def test_a_computer_without_a_network_is_told_so(computer: Computer) -> None:
    computer.publish(archive(), base=f"http://127.0.0.1:{closed_port()}/")
    assert "127.0.0.1 cannot be reached (Connection refused):" in computer.fail()


def test_a_name_server_that_never_answers_holds_nobody_up(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = threading.Event()

    def silent(*_: object, **__: object) -> None:
        ends.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(network_errors, "SILENCE", 0.2)
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
    monkeypatch.setattr(network_errors, "SILENCE", 0.2)
    computer.server.silent_after = sent
    assert "127.0.0.1 sent nothing for 0.2 s:" in computer.fail()
    assert lookup.find() is None


def test_nobody_waits_five_seconds_for_a_byte() -> None:
    assert network_errors.SILENCE < 5


def test_a_full_disk_is_told_of_and_gets_its_room_back(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Path.open

    class Full:
        """A file on a disk that has room for one piece."""

        def __init__(self, file: Any) -> None:
            self.file, self.left = file, 1

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, piece: bytes) -> None:
            if not self.left:
                raise OSError(errno.ENOSPC, "No space left on device")
            self.left -= 1
            self.file.write(piece)

    def opened(path: Path, mode: str = "r", **given: Any) -> Any:
        file = whole(path, mode, **given)
        return Full(file) if path == computer.download and mode in ("wb", "ab") else file

    monkeypatch.setattr(Path, "open", opened)
    assert f"it cannot be written to {computer.tools}/pwsh (No space left on device):" in computer.fail()
    assert computer.rest() == set()


@contextmanager
def proxy(monkeypatch: pytest.MonkeyPatch, scheme: str, status: int) -> Iterator[ArchiveServer]:
    """A proxy that answers everything with this status; its address in the environment holds a password."""
    with serving(ArchiveServer(status=status)) as server:
        monkeypatch.setenv(f"{scheme}_proxy", f"http://anna:s3cret@127.0.0.1:{server.port}")
        yield server


@pytest.mark.parametrize(("status", "said"), [(403, "403 Forbidden"), (407, "407 Proxy Authentication Required")])
def test_a_proxy_that_refuses_the_tunnel_is_told_of_without_its_password(
    computer: Computer, monkeypatch: pytest.MonkeyPatch, status: int, said: str
) -> None:
    computer.publish(archive(), base="https://downloads.example/v7.4.12/")
    with proxy(monkeypatch, "https", status) as server:
        sentence = computer.fail()
    assert [(method, target) for method, target, _ in server.requests] == [("CONNECT", "downloads.example:443")]
    assert f"the proxy 127.0.0.1:{server.port} refused to connect to downloads.example ({said}):" in sentence
    assert "s3cret" not in sentence
    assert "anna" not in sentence


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (403, "downloads.example, asked through the proxy 127.0.0.1:{port}, answered 403 Forbidden:"),
        (407, "the proxy 127.0.0.1:{port} answered 407 Proxy Authentication Required:"),
    ],
)
def test_a_proxy_that_refuses_a_plain_address_is_told_of(
    computer: Computer, monkeypatch: pytest.MonkeyPatch, status: int, said: str
) -> None:
    computer.publish(archive(), base="http://downloads.example/v7.4.12/")
    with proxy(monkeypatch, "http", status) as server:
        sentence = computer.fail()
    assert said.format(port=server.port) in sentence
    assert "s3cret" not in sentence


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://anna:s3cret@127.0.0.1:{port}", "the proxy 127.0.0.1:{port} cannot be reached (Connection refused):"),
        ("127.0.0.1:{port}", "the proxy 127.0.0.1:{port} cannot be reached (Connection refused):"),
        ("http://anna:s3/cret@127.0.0.1:{port}/", "the proxy 127.0.0.1:{port} cannot be reached"),
        ("http://anna:s3cret@127.0.0.1:http", "the proxy 127.0.0.1:http gave no usable answer (InvalidURL):"),
    ],
)
def test_a_proxy_that_is_not_there_is_told_of(
    computer: Computer, monkeypatch: pytest.MonkeyPatch, address: str, said: str
) -> None:
    port = closed_port()
    computer.publish(archive(), base="https://downloads.example/v7.4.12/")
    monkeypatch.setenv("https_proxy", address.format(port=port))
    sentence = computer.fail()
    assert said.format(port=port) in sentence
    assert "anna" not in sentence
    assert "s3" not in sentence


def test_a_proxy_of_another_kind_is_told_of(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    computer.publish(archive(), base="http://downloads.example/v7.4.12/")
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:1080")
    assert "the proxy 127.0.0.1:1080 cannot be used (unknown url type: socks5):" in computer.fail()


def test_a_proxy_that_speaks_another_protocol_is_told_of(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_certificate_that_is_not_trusted_is_told_of(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
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


def assert_unpacked(computer: Computer) -> None:
    assert (computer.tools / "pwsh" / "libcoreclr.so").read_bytes() == FILLING
    assert computer.rest() == set()
