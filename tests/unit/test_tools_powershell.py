"""Which PowerShell a rehearsal finds and shows, and the environment in which scripts run."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from rehearsal import tools
from rehearsal.powershell import lookup
from rehearsal.stand_ins.exchange import Organisation
from tests.unit.own_computer import computer as computer
from tests.unit.own_computer import engine as engine
from tests.unit.own_computer import install as install
from tests.unit.programs import CONSOLE_HOST, custom_host_answer, official_answer, write_program, write_script

pytestmark = pytest.mark.unit


def powershell_part(found: tools.Tools) -> str:
    return dict(found.describe_parts())["PowerShell"]


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    "says",
    [
        pytest.param(custom_host_answer("7.6.9"), id="the engine in another host"),
        pytest.param(f"7.6.9|7.6.9-3-g0123abc|{CONSOLE_HOST.format('7.6.9')}", id="built from another commit"),
        pytest.param("7.6.9|7.6.9|Microsoft.PowerShell.ConsoleHost, PublicKeyToken=null", id="built by others"),
    ],
)
def test_only_an_official_build_is_called_real(computer: Path, says: str) -> None:
    pwsh = write_program(computer / "bin" / "pwsh", says)
    found = tools.find_tools()
    assert found.powershell == pwsh
    assert powershell_part(found) == f"not an official build: 7.6.9, on PATH: {pwsh}"


@pytest.mark.usefixtures("engine")
def test_without_powershell_on_path_the_one_from_make_setup_is_used_with_its_origin(computer: Path) -> None:
    pwsh = write_program(lookup.PLACE / "pwsh", official_answer("7.4.12"))
    (lookup.PLACE / "installed.json").write_text(json.dumps({"origin": "the official release archive"}))
    found = tools.find_tools()
    assert (found.powershell, tools.find_powershell()) == (pwsh, pwsh)
    assert powershell_part(found) == "real: 7.4.12, the official release archive"
    write_program(computer / "bin" / "pwsh", official_answer("7.5.0"))
    assert powershell_part(tools.find_tools()) == f"real: 7.5.0, on PATH: {computer}/bin/pwsh"


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("written", [None, "", "[]", "half a {"])
def test_an_installed_powershell_without_a_readable_record_is_used(written: str | None) -> None:
    write_program(lookup.PLACE / "pwsh", custom_host_answer("7.6.9"))
    if written is not None:
        (lookup.PLACE / "installed.json").write_text(written)
    assert powershell_part(tools.find_tools()) == "not an official build: 7.6.9, .tools/pwsh"


@pytest.mark.usefixtures("engine")
def test_a_rehearsal_ignores_a_powershell_beside_the_checkout(computer: Path) -> None:
    write_program(computer / "shared" / "pwsh" / "pwsh", official_answer())
    found = tools.find_tools()
    assert (found.powershell, powershell_part(found)) == (None, "stand-in")


@pytest.mark.usefixtures("engine")
def test_a_rehearsal_without_powershell_shows_a_stand_in(computer: Path) -> None:
    write_program(computer / "bin" / "pwsh", official_answer())
    assert powershell_part(dataclasses.replace(tools.find_tools(), powershell=None)) == "stand-in"


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("echo 'cannot load libhostfxr.so' >&2; exit 131", "exit code 131: cannot load libhostfxr.so"),
        ("echo hello", "exit code 0: hello"),
        ("exit 3", "exit code 3: it says nothing"),
        ("kill -9 $$", "exit code -9: it says nothing"),
    ],
)
def test_a_powershell_that_does_not_start_is_ignored_with_a_warning(
    computer: Path, capsys: pytest.CaptureFixture[str], body: str, reason: str
) -> None:
    broken = write_script(computer / "bin" / "pwsh", body)
    installed = write_program(lookup.PLACE / "pwsh", official_answer())
    assert tools.find_tools().powershell == installed
    write_script(installed, body)
    capsys.readouterr()
    assert tools.find_tools().powershell is None
    out, err = capsys.readouterr()
    assert out == "", "standard output has only results"
    assert err.splitlines() == [
        f"powershell: {broken} does not start ({reason}): another is looked for",
        f"powershell: {installed} does not start ({reason}): remove .tools/pwsh and run `make setup`",
    ]


@pytest.mark.usefixtures("engine")
def test_a_powershell_for_another_processor_is_ignored(computer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alien = write_program(computer / "bin" / "pwsh")
    alien.write_bytes(b"\x7fELF of another world")
    assert tools.find_tools().powershell is None
    assert "Exec format error" in capsys.readouterr().err


@pytest.mark.usefixtures("engine")
def test_a_powershell_that_never_answers_is_ignored(
    computer: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lookup, "START_SECONDS", 0.2)
    write_script(computer / "bin" / "pwsh", "while :; do :; done")
    assert tools.find_tools().powershell is None
    assert "no answer within 0.2 s" in capsys.readouterr().err


NEEDS_ICU = f"""\
if [ "$DOTNET_SYSTEM_GLOBALIZATION_INVARIANT" != 1 ]; then
  echo "Process terminated. Couldn't find a valid ICU package installed on the system." >&2
  exit 134
fi
echo '{official_answer()}'
"""


@pytest.mark.usefixtures("engine")
def test_without_icu_libraries_powershell_runs_in_invariant_mode(
    computer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pwsh = write_script(computer / "bin" / "pwsh", NEEDS_ICU)
    monkeypatch.delenv("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", raising=False)
    monkeypatch.setattr(lookup, "has_icu", lambda: True)
    assert tools.find_tools().powershell is None
    assert "valid ICU package" in capsys.readouterr().err
    monkeypatch.setattr(lookup, "has_icu", lambda: False)
    assert tools.find_tools().powershell == pwsh
    assert environment_of_a_script(tmp_path)["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] == "1"


def test_a_script_runs_with_the_dotnet_variables_of_this_computer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOTNET_ROOT", "/opt/dotnet")
    monkeypatch.setenv("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "0")
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    monkeypatch.setattr(lookup, "has_icu", lambda: False)
    environment = environment_of_a_script(tmp_path)
    assert environment["DOTNET_ROOT"] == "/opt/dotnet"
    assert environment["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] == "0", "the user's value wins"
    assert environment["POWERSHELL_TELEMETRY_OPTOUT"] == "1"
    assert "LANG" not in environment


def environment_of_a_script(folder: Path) -> dict[str, str]:
    names = folder / "names"
    prepared = Organisation(folder / "exchange").prepare(
        folder / "some.ps1", [], pwsh="pwsh", root=folder, computer_name="EX1", logon="password", names=names
    )
    return prepared[1]
