"""The scripts keep to PowerShell 4.0, which Windows Server 2012 R2 has; here a newer one runs them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from rehearsal.powershell import lookup
from tests.scripts.servers import SCRIPTS

CHECKER = Path(__file__).with_name("newer_than_4.ps1")
NEWER = {
    "class Server { [string] $Name }": "TypeDefinitionAst",
    "enum Kind { One }": "TypeDefinitionAst",
    "using namespace System.Text": "UsingStatementAst",
    "$x = $true ? 1 : 2": "TernaryExpressionAst",
    "Get-Date && Get-Date": "PipelineChainAst",
    "$x = $null ?? 1": "operator ??",
    "$x ??= 1": "operator ??",
    "${x}?.Length": "operator ?.",
    "Get-Date &": "background operator &",
    "[Text.StringBuilder]::new()": "static method new",
    "function f { clean { 1 } }": "block clean",
    "$x = 0b101": "number 0b101",
    "$x = 5u": "number 5u",
    '"`u{41}"': "escape",
    "if ($IsWindows) { 1 }": "variable IsWindows",
    "$x = @($input)": "variable input",
    "New-Guid": "command New-Guid",
    "Expand-Archive -Path a": "command Expand-Archive",
    "Write-Information hello": "command Write-Information",
    "Set-Content -LiteralPath a -Value b -NoNewline": "parameter -NoNewline",
    "ConvertFrom-Json -InputObject '{}' -AsHashtable": "parameter -AsHashtable",
    "Get-ChildItem -LiteralPath . -Depth 1": "parameter -Depth",
    "Get-Date -InformationAction Ignore": "parameter -InformationAction",
    "Join-Path a b c": "positional arguments of Join-Path",
    "function {": "syntax error",
}


def findings(pwsh: str, folder: Path) -> dict[str, list[str]]:
    """File name -> what it uses that is newer. The script that is sent alone may call no function of another."""
    options = ["-Folder", str(folder), "-Alone", "Enable-OpenSsh.ps1,Initialize-DataDisk.ps1"]
    argv = [pwsh, "-NoProfile", "-NonInteractive", "-File", str(CHECKER), *options]
    environment = {**os.environ, **lookup.powershell_environment()}
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def test_the_scripts_use_nothing_newer_than_powershell_4(pwsh: str) -> None:
    found = findings(pwsh, SCRIPTS)
    assert {"Set-ClientAccessNamespace.ps1", "Enable-OpenSsh.ps1"} < set(found)
    assert {name: what for name, what in found.items() if what} == {}


def test_the_check_finds_what_is_newer(pwsh: str, tmp_path: Path) -> None:
    for number, line in enumerate(NEWER):
        (tmp_path / f"{number}.ps1").write_text(line, encoding="utf-8")
    (tmp_path / "Enable-OpenSsh.ps1").write_text("Get-Elsewhere", encoding="utf-8")
    (tmp_path / "elsewhere.ps1").write_text("function Get-Elsewhere { 1 }; Get-Elsewhere", encoding="utf-8")
    found = findings(pwsh, tmp_path)
    missed = {
        line: found[f"{number}.ps1"]
        for number, (line, what) in enumerate(NEWER.items())
        if not any(what in sentence for sentence in found[f"{number}.ps1"])
    }
    assert missed == {}
    assert found["Enable-OpenSsh.ps1"] == ["line 1: command Get-Elsewhere"]
    assert found["elsewhere.ps1"] == []


def test_the_scripts_are_plain_ascii() -> None:
    """Windows PowerShell reads a file without a byte order mark in the machine's own code page."""
    scripts = sorted(SCRIPTS.glob("*.ps1"))
    assert len(scripts) > 3
    assert [script.name for script in scripts if not script.read_bytes().isascii()] == []
