"""The scripts on a real Windows without Exchange, under Windows PowerShell 5.1 and PowerShell 7, without any stand-in.

Imports nothing of the rehearsal, whose stand-ins need Linux or macOS.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from components import powershell

pytestmark = pytest.mark.windows

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "components" / "scripts"
CHECKER = ROOT / "tests" / "scripts" / "newer_than_4.ps1"
COMPUTER = platform.node().partition(".")[0]
URL = "https://owa.mail-domain.com/owa"
NAMESPACE = {
    "server": COMPUTER,
    "exchangeVersion": "2019",
    "recycleAppPools": True,
    "settings": {"owa": {"InternalUrl": URL, "ExternalUrl": URL}},
}
# The original settings are on the server.
RESTORATION = {"server": COMPUTER, "exchangeVersion": "2019", "recycleAppPools": True}
ROTATION = {
    "server": COMPUTER,
    "exchangeVersion": "2019",
    "inRotation": True,
    "rejectClosedPorts": False,
    "drainSeconds": 0,
    "health": {"seconds": 0, "address": "127.0.0.1", "port": 443, "names": {"owa": ["owa.mail-domain.com"]}},
}
DOCUMENTS = {
    "Get-ClientAccessNamespace": NAMESPACE,
    "Set-ClientAccessNamespace": NAMESPACE,
    "Restore-ClientAccessNamespace": RESTORATION,
    "Set-ClientAccessRotation": ROTATION,
}


@pytest.fixture(params=["powershell", "pwsh"])
def shell(request: pytest.FixtureRequest) -> str:
    """Windows PowerShell, which every Windows Server has, or PowerShell 7; one that is missing fails."""
    found = shutil.which(request.param)
    assert found, f"{request.param} is not on the PATH"
    return str(found)


def run(shell: str, script: Path, *arguments: str, document: object = None) -> subprocess.CompletedProcess[str]:
    """As a server is made to run it, in its own folder."""
    options = ["-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass"]
    return subprocess.run(
        [shell, *options, "-File", str(script), *arguments],
        input=json.dumps(document),
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=120,
        check=False,
    )


def data_folder() -> Path:
    return Path(os.environ.get("ProgramData", "C:/ProgramData"), "ExchangeCas")  # noqa: SIM112  Windows writes it so


def test_windows_powershell_is_5_1_and_powershell_is_7(shell: str) -> None:
    """So that nothing below passes under the other one's name."""
    options = ["-NoProfile", "-NonInteractive", "-Command", "$PSVersionTable.PSVersion.ToString()"]
    version = subprocess.run([shell, *options], capture_output=True, text=True, timeout=60, check=True).stdout
    assert version.startswith("5.1." if Path(shell).stem.lower() == "powershell" else "7.")


def test_every_script_is_read_without_an_error_and_uses_nothing_newer_than_powershell_4(shell: str) -> None:
    done = run(shell, CHECKER, "-Folder", str(SCRIPTS), "-Alone", "Enable-OpenSsh.ps1")
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    assert set(found) == {script.name for script in SCRIPTS.glob("*.ps1")}
    assert {name: what for name, what in found.items() if what} == {}


def test_every_script_that_reads_a_document_has_one_here() -> None:
    assert {script.stem for script in SCRIPTS.glob("*-ClientAccess*.ps1")} == set(DOCUMENTS)


@pytest.mark.parametrize("script", DOCUMENTS)
def test_without_exchange_a_script_says_so_and_changes_nothing(shell: str, script: str) -> None:
    was_there = data_folder().exists()
    done = run(shell, SCRIPTS / f"{script}.ps1", document=DOCUMENTS[script])
    assert done.returncode == 3, done.stderr
    assert f"Exchange is not installed on {COMPUTER}, nothing was changed".casefold() in done.stderr.casefold()
    assert powershell.read_report(done.stdout, "server"), "the report is printed after a failure, too"
    assert data_folder().exists() is was_there


NAMESPACE_PROBLEMS = {
    "exchangeVersion": ("2010", 'exchangeVersion: "2010" is not among'),
    "recycleAppPools": ("yes", "recycleAppPools: neither true nor false"),
    "credential": ({"userName": "x"}, "credential.password: missing"),
    "settings": (
        {
            "pop3": {"InternalUrl": URL},
            "ecp": {},
            "owa": {"InternalUrl": "owa.mail-domain.com/owa", "InternalURI": URL},
            "mapi": {"IISAuthenticationMethods": ["Ntlm", "Kerberos5"]},
            "outlookAnywhere": {"InternalHostname": URL, "InternalClientsRequireSsl": "yes"},
        },
        "settings.pop3: unknown service",
        "settings.ecp: empty",
        'settings.owa.InternalUrl: "owa.mail-domain.com/owa" is not an absolute URL',
        "settings.owa.InternalURI: unknown setting",
        "settings.mapi.IISAuthenticationMethods:",
        "settings.outlookAnywhere.InternalHostname:",
        "settings.outlookAnywhere.InternalClientsRequireSsl:",
    ),
}
ROTATION_PROBLEMS = {
    "exchangeVersion": ("2010", 'exchangeVersion: "2010" is not among'),
    "inRotation": ("yes", "inRotation:"),
    "drainSeconds": ("many", "drainSeconds:"),
    "health": ({"seconds": 0, "port": 443, "names": {}}, "health.address:"),
}


@pytest.mark.parametrize(
    ("script", "wrong"),
    [("Set-ClientAccessNamespace", NAMESPACE_PROBLEMS), ("Set-ClientAccessRotation", ROTATION_PROBLEMS)],
)
def test_all_problems_of_a_document_are_reported_at_once(shell: str, script: str, wrong: dict[str, Any]) -> None:
    values = {key: value for key, (value, *_) in wrong.items()}
    bad = {**DOCUMENTS[script], **values, "server": "another", "extra": 1}
    done = run(shell, SCRIPTS / f"{script}.ps1", document=bad)
    assert done.returncode == 2, done.stderr
    problems = [problem for _, *rows in wrong.values() for problem in rows]
    for problem in (*problems, "server: the document is for another", "extra: unknown key"):
        assert problem in done.stderr


@pytest.mark.parametrize("script", DOCUMENTS)
def test_a_text_that_is_not_json_is_refused_without_being_quoted(shell: str, script: str) -> None:
    done = subprocess.run(
        [shell, "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-File", str(SCRIPTS / f"{script}.ps1")],
        input='{"password": "S3cret-pass", ',
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert "S3cret-pass" not in done.stdout + done.stderr


def test_what_powershell_itself_prints_is_utf_8(shell: str, tmp_path: Path) -> None:
    """The command provider fails a run that prints anything else; the console's code page is another one here, too."""
    script = tmp_path / "console.ps1"
    script.write_text(
        f'. \'{SCRIPTS / "ClientAccess.ps1"}\'\nWrite-Warning "M$([char] 0xFC)ller"\nthrow "F$([char] 0xFC)nf"\n',
        encoding="ascii",
    )
    options = ["-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-File", str(script)]
    done = subprocess.run([shell, *options], capture_output=True, timeout=60, check=False)
    assert "Müller" in done.stdout.decode()
    assert "Fünf" in done.stderr.decode()
