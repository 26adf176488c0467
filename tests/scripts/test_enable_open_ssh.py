"""Enable-OpenSsh.ps1 on the Windows stand-in; the real installers, firewall and run command it cannot show."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from components import powershell
from tests.scripts.servers import SCRIPTS, Outcome, Servers

ENABLE = SCRIPTS / "Enable-OpenSsh.ps1"
WINDOWS_2012_R2, WINDOWS_2016, WINDOWS_2019, WINDOWS_2022 = 9600, 14393, 17763, 20348
INSTALLER = (
    "New-Service -Name sshd -BinaryPathName (Join-Path $PSScriptRoot 'sshd.exe') -StartupType Manual\n$undefined.Length"
)


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Do not log requests."""


@pytest.fixture
def package(tmp_path: Path) -> Iterator[dict[str, str]]:
    """URL and SHA-256 of an OpenSSH release as the project publishes them: one folder in a zip."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("OpenSSH-Win64/install-sshd.ps1", INSTALLER)
        archive.writestr("OpenSSH-Win64/sshd.exe", "program")
    (tmp_path / "web").mkdir()
    (tmp_path / "web/OpenSSH-Win64.zip").write_bytes(content.getvalue())
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(tmp_path / "web")))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield {
        "PackageUrl": f"http://127.0.0.1:{server.server_port}/OpenSSH-Win64.zip",
        "PackageSha256": hashlib.sha256(content.getvalue()).hexdigest(),
    }
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def computer(servers: Servers) -> Servers:
    """A server without Exchange whose host key waits to be revealed by the first start of sshd."""
    folder = servers.root("ex1") / "host-keys"
    folder.mkdir(parents=True)
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    (folder / "ssh_host_ed25519_key").write_bytes(private)
    (folder / "ssh_host_ed25519_key.pub").write_bytes(public + b" nt authority\\system@EX1\n")
    return servers


def enable(servers: Servers, **parameters: str) -> Outcome:
    arguments = [word for name, value in parameters.items() for word in (f"-{name}", value)]
    return servers.run(ENABLE, None, *arguments)


def state(servers: Servers) -> dict[str, Any]:
    windows: dict[str, Any] = json.loads((servers.root("ex1") / "windows.json").read_text(encoding="utf-8"))
    return windows


def public_key(servers: Servers) -> str:
    text = (servers.root("ex1") / "host-keys/ssh_host_ed25519_key.pub").read_text(encoding="ascii")
    return " ".join(text.split()[:2])


@pytest.mark.parametrize("build", [WINDOWS_2012_R2, WINDOWS_2016])
def test_older_windows_gets_openssh_from_the_package(computer: Servers, package: dict[str, str], build: int) -> None:
    computer.windows("ex1", build=build)
    outcome = enable(computer, Port="22", **package)
    assert outcome.exit_code == 0, outcome.stderr
    assert powershell.read_report(outcome.stdout, "hostKey") == {"hostKey": public_key(computer)}
    programs = computer.root("ex1") / "C/Program Files"
    assert [entry.name for entry in programs.iterdir()] == ["OpenSSH"]
    assert (programs / "OpenSSH/sshd.exe").is_file()
    assert state(computer)["sshd"]["status"] == "Running"
    assert list((computer.root("ex1") / "C/Temp").glob("*.zip")) == []


@pytest.mark.parametrize("build", [WINDOWS_2019, WINDOWS_2022])
def test_newer_windows_gets_its_own_openssh(computer: Servers, build: int) -> None:
    computer.windows("ex1", build=build)
    outcome = enable(computer, Port="2222")
    assert outcome.exit_code == 0, outcome.stderr
    windows = state(computer)
    assert windows["capability"] == "Installed"
    assert windows["sshd"] | {"status": "Running", "port": 2222, "startup": "Automatic"} == windows["sshd"]
    rule = windows["firewall"]["ExchangeCas-OpenSSH-In-TCP"]
    assert (rule["LocalPort"], rule["Profile"], rule["Enabled"], rule["Action"]) == (["2222"], "Any", "True", "Allow")


def test_the_folder_of_the_scripts_is_left_to_the_system_and_administrators(computer: Servers) -> None:
    assert enable(computer, Port="22").exit_code == 0
    assert (computer.root("ex1") / "C/ProgramData/ExchangeCas").is_dir()
    system, administrators = "S-1-5-18", "S-1-5-32-544"
    assert state(computer)["access"] == {"ExchangeCas": [f"*{sid}:(OI)(CI)F" for sid in (system, administrators)]}


def test_a_second_run_changes_nothing_and_another_port_moves_everything(computer: Servers) -> None:
    first = enable(computer, Port="22")
    after_first = state(computer)
    config = computer.root("ex1") / "C/ProgramData/ssh/sshd_config"
    written = config.read_bytes()
    second = enable(computer, Port="22")
    assert (second.exit_code, second.stdout) == (0, first.stdout)
    assert (state(computer), config.read_bytes()) == (after_first, written)

    moved = enable(computer, Port="2022")
    assert (moved.exit_code, moved.stdout) == (0, first.stdout)
    windows = state(computer)
    assert windows["sshd"]["port"] == 2022
    assert windows["firewall"]["ExchangeCas-OpenSSH-In-TCP"]["LocalPort"] == ["2022"]
    back = enable(computer, Port="22")
    assert back.exit_code == 0
    assert state(computer)["sshd"]["port"] == 22
    assert config.read_text(encoding="utf-8").count("Port") == 2  # the one directive, and the comment of the default


def test_a_package_with_another_hash_is_not_unpacked(computer: Servers, package: dict[str, str]) -> None:
    computer.windows("ex1", build=WINDOWS_2016)
    outcome = enable(computer, PackageUrl=package["PackageUrl"], PackageSha256="0" * 64)
    assert outcome.exit_code == 1
    assert "expected 0000" in outcome.stderr
    assert list((computer.root("ex1") / "C/Program Files").iterdir()) == []
    assert "sshd" not in state(computer)


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({}, "give -PackageUrl and -PackageSha256"),
        ({"PackageUrl": "http://127.0.0.1:1/nothing.zip", "PackageSha256": "0" * 64}, "SSH could not be switched on"),
        ({"Port": "70000"}, "Port"),
        ({"PackageSha256": "123"}, "PackageSha256"),
        ({"PackageSha256": "0" * 64 + "\n"}, "PackageSha256"),
    ],
)
def test_impossible_parameters_fail_with_a_reason(computer: Servers, parameters: dict[str, str], reason: str) -> None:
    computer.windows("ex1", build=WINDOWS_2012_R2)
    outcome = enable(computer, **parameters)
    assert outcome.exit_code != 0
    assert reason in outcome.stderr
    assert "hostKey" not in outcome.stdout


def test_openssh_that_is_already_there_is_only_started(computer: Servers) -> None:
    binary = str(computer.root("ex1").resolve() / "C/Windows/System32/OpenSSH/sshd.exe")
    sshd = {"status": "Stopped", "startup": "Disabled", "binary": binary}
    computer.windows("ex1", build=WINDOWS_2022, capability="Installed", sshd=sshd)
    outcome = enable(computer)
    assert outcome.exit_code == 0, outcome.stderr
    assert state(computer)["sshd"] | {"status": "Running", "startup": "Automatic"} == state(computer)["sshd"]
