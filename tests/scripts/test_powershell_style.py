"""The check that `make lint` runs over PowerShell files finds each kind of fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.powershell import lookup, style

HEADER = "# Shows one fault to the check.\n"
USED = "Get-Thing 1\n"
FAULTS = {
    "syntax": f"{HEADER}if (",
    "header": "$null = 1\n",
    "columns": f"{HEADER}$null = '{'x' * 120}'\n",
    "a tab": f"{HEADER}if ($true) {{\n\t$null = 1\n}}\n",
    "white space at the end": f"{HEADER}$null = 1 \n",
    "backtick": f"{HEADER}Write-Output 1 `\n    2\n",
    "$Name: each attribute": f"{HEADER}param(\n    [Parameter(Mandatory)] [string] $Name\n)\n$Name\n",
    "$Many: each attribute": f"{HEADER}param(\n    [AllowNull()] [Parameter(Mandatory)]\n    $Many\n)\n$Many\n",
    "each parameter": f"{HEADER}param([string] $One, [string] $Two)\n$One + $Two\n",
    "each row of a table": f"{HEADER}@{{\n    a = 1; b = 2\n}}\n",
    "row:": f"{HEADER}@{{ a = 1; b = 2; c = 3; d = 4 }}\n",
    "each statement": f"{HEADER}if ($true) {{ $null = 1; $null = 2 }}\n",
    "Thing is not Verb-Noun": f"{HEADER}function Thing {{ 1 }}\n& 'Thing'\n",
    "Make-Thing is not Verb-Noun": f"{HEADER}function Make-Thing {{ 1 }}\nMake-Thing\n",
    "no [CmdletBinding()]": f"{HEADER}function Get-Thing {{\n    param($One)\n    $One\n}}\n{USED}",
    "not stand in a param block": f"{HEADER}function Get-Thing($One) {{ $One }}\n{USED}",
    "% is an alias": f"{HEADER}1 | % {{ $_ }}\n",
    "the parameter Two": f"{HEADER}param(\n    $One,\n    $Two\n)\n$One\n",
    "the parameter Inner": f"{HEADER}$null = {{\n    param($Inner)\n    1\n}}\n",
    "the function Get-Alone": f"{HEADER}function Get-Alone {{ Get-Alone }}\n",
}
GOOD = """<#
.SYNOPSIS
Has no fault.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)]
    [string] $Name,

    [switch] $All
)

function Get-Thing {
    [CmdletBinding()]
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSReviewUnusedParameter', 'Unused')]
    param(
        [string] $One,
        [string] $Unused
    )
    if (-not $One) { return }
    $table = @{ one = $One; two = 2; three = 3 }
    $table.Keys | ForEach-Object { & { param($Left, $Right) $Left + $Right } $_ $_ }
}

Get-Thing -One $Name -Unused "$All"
"""


def find_in(folder: Path, pwsh: str, texts: dict[str, str]) -> list[str]:
    files = []
    for name, text in texts.items():
        files.append(folder / f"{name}.ps1")
        files[-1].write_text(text, encoding="utf-8")
    faults, _ = style.find_faults(Path(pwsh), files)
    return [fault.removeprefix(f"{folder}/") for fault in faults]


def test_the_check_finds_each_fault(tmp_path: Path, pwsh: str) -> None:
    names = {f"fault{number}": text for number, text in enumerate(FAULTS.values())}
    found = find_in(tmp_path, pwsh, names)
    missed = {
        expected: [line for line in found if line.startswith(f"{name}.ps1:")]
        for name, expected in zip(names, FAULTS, strict=True)
        if not any(line.startswith(f"{name}.ps1:") and expected in line for line in found)
    }
    assert missed == {}


def test_the_check_accepts_a_file_without_faults(tmp_path: Path, pwsh: str) -> None:
    assert find_in(tmp_path, pwsh, {"good": GOOD}) == []


def test_a_function_counts_as_used_when_another_file_calls_it(tmp_path: Path, pwsh: str) -> None:
    texts = {"library": f"{HEADER}function Get-Thing {{ 1 }}\n", "program": f"{HEADER}Get-Thing\n"}
    assert find_in(tmp_path, pwsh, texts) == []


def test_every_powershell_file_of_the_repository_is_checked() -> None:
    names = {file.name for file in style.powershell_files()}
    assert {"ClientAccess.ps1", "ExchangeStandIn.psm1", "Find-StyleFault.ps1", "naive.ps1"} <= names
    assert {Path(name).suffix for name in names} == {".ps1", ".psm1"}


def test_without_powershell_lint_says_that_nothing_was_checked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lookup, "locate_powershell", lambda: None)
    assert style.main() == 0
    assert capsys.readouterr().out == ("powershell: not found, so the style of the PowerShell files was not checked\n")


def test_lint_fails_with_a_fault(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    found = lookup.PowerShell(Path("pwsh"), "7.6.0", official=True, origin="a test")
    monkeypatch.setattr(lookup, "locate_powershell", lambda: found)
    for faults, code in (["a.ps1:1: columns: 121 columns"], 1), ([], 0):
        monkeypatch.setattr(style, "find_faults", lambda *_, faults=faults: (faults, "ran"))
        assert style.main() == code
        assert capsys.readouterr().out.splitlines()[:-1] == faults
