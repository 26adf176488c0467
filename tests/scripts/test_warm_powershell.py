"""The PowerShell that the tests keep warm answers like a new one, and a script leaves nothing behind in it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rehearsal.powershell import lookup
from tests.scripts.servers import GET, SET, Servers, document
from tests.warm_powershell import OPTIONS, PROCESSES, WarmPowerShell

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="Linux alone keeps PowerShell warm")
TEXTS = {
    "ends well": "param($Name) \"$Name \" + [Console]::In.ReadToEnd(); Write-Warning 'careful'; Write-Output 'größer'",
    "ends with an exit code": "[Console]::Error.WriteLine('refused'); exit 42",
    "refuses its arguments": "param([ValidateSet('one')] [string] $Name) 'never'",
    "fails and goes on": "Write-Error 'first'; Get-Item /nowhere; 'last'",
    "throws": "'before'; throw [System.InvalidOperationException] 'no'",
    "stops at an error": "$ErrorActionPreference = 'Stop'; Get-Item /nowhere; 'never'",
    "cannot be parsed": "if (",
    "calls a program": "& sh -c 'echo out; echo error >&2; exit 3'; exit $LASTEXITCODE",
    "has an exit code from inside": "function Stop-Here { exit 5 }; Stop-Here; 'never'",
}


@pytest.fixture(scope="module")
def warm(cold_powershell: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Processes of its own, which this module may end."""
    with WarmPowerShell(cold_powershell, tmp_path_factory.mktemp("warm")) as running:
        yield running.launcher


def run(program: Path, script: Path, *arguments: str, folder: Path, **variables: str) -> tuple[int, str, str]:
    """Exit code, output and error of the script; its input is a line of text."""
    done = subprocess.run(
        [program, *OPTIONS, "-File", script, *arguments],
        input="the input, größer\n",
        capture_output=True,
        encoding="utf-8",
        cwd=folder,
        env={"PATH": os.environ["PATH"], **lookup.powershell_environment(), **variables},
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def write_script(folder: Path, text: str) -> Path:
    script = folder / "script.ps1"
    script.write_text(text, encoding="utf-8-sig")
    return script


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_warm_powershell_gives_the_exit_code_output_and_error_of_a_new_one(
    cold_powershell: Path, warm: Path, tmp_path: Path, text: str
) -> None:
    script = write_script(tmp_path, text)
    expected = run(cold_powershell, script, "another", folder=tmp_path)
    assert run(warm, script, "another", folder=tmp_path) == expected
    assert run(warm, script, "another", folder=tmp_path) == expected, "the second time"


def test_the_project_s_scripts_answer_the_same_in_both(cold_powershell: Path, warm: Path, tmp_path: Path) -> None:
    answers = []
    for name, program in (("cold", cold_powershell), ("warm", warm)):
        servers = Servers(tmp_path / name, str(program))
        servers.organisation.add_server("ex1")
        reading = {key: value for key, value in document().items() if key != "settings"}
        outcomes = [servers.run(SET, document()), servers.run(SET, document()), servers.run(GET, reading)]
        outcomes.append(servers.run(SET, document("ex2")))
        outcomes.append(servers.run(SET, stdin=b"no document"))
        servers.organisation.fail("ex1", "Set-OwaVirtualDirectory", "No.")
        owa = {"owa": {"InternalUrl": "https://other.example.com/owa"}}
        outcomes.append(servers.run(SET, document(settings=owa)))
        folder = str(servers.folder)  # the sentences name files in it
        answers.append([(o.exit_code, o.stdout, o.stderr.replace(folder, "FOLDER")) for o in outcomes])
    assert [code for code, _, _ in answers[0]] == [0, 0, 0, 2, 2, 1]
    assert answers[1] == answers[0]


def test_a_script_leaves_nothing_behind_for_the_next_one(warm: Path, tmp_path: Path) -> None:
    look = write_script(
        tmp_path,
        '$PID; "$env:LEFT $env:OWN"; Test-Path Variable:global:left; Test-Path Function:left; (Get-Location).Path\n'
        "[Environment]::CurrentDirectory; [Console]::OutputEncoding.WebName; $ErrorActionPreference\n"
        "'{0}' -f 1.5; $env:PSModulePath; (Get-Module).Name",
    )
    spoil = tmp_path / "spoil.ps1"
    spoil.write_text(
        "$PID; $env:LEFT = 'left'; $global:left = 1; function global:left { }; $global:ErrorActionPreference = 'Stop'\n"
        "Set-Location /; [Environment]::CurrentDirectory = '/'; $env:PSModulePath = '/nowhere'\n"
        "[Console]::OutputEncoding = [System.Text.Encoding]::Latin1; [Console]::SetIn([System.IO.TextReader]::Null)\n"
        "New-Module -Name left -ScriptBlock { } | Import-Module -Global\n"
        "$culture = [cultureinfo]::InvariantCulture.Clone(); $culture.NumberFormat.NumberDecimalSeparator = ','\n"
        "[System.Threading.Thread]::CurrentThread.CurrentCulture = $culture",
        encoding="utf-8",
    )
    before = run(warm, look, folder=tmp_path, OWN="own")
    spoilt = run(warm, spoil, folder=tmp_path)
    assert spoilt[0] == 0, spoilt
    after = run(warm, look, folder=tmp_path, OWN="own")
    assert before[1].splitlines()[0] == spoilt[1].splitlines()[0], "one process ran both"
    assert after == before
    assert after[1].splitlines()[1:6] == [" own", "False", "False", str(tmp_path), str(tmp_path)]


def test_a_script_that_ends_its_process_gives_its_exit_code_and_the_next_gets_a_new_process(
    warm: Path, tmp_path: Path
) -> None:
    look, end = write_script(tmp_path, "$PID"), tmp_path / "end.ps1"
    end.write_text("[Console]::Out.Write('last words'); [Environment]::Exit(9)", encoding="utf-8")
    _, before, _ = run(warm, look, folder=tmp_path)
    assert run(warm, end, folder=tmp_path)[:2] == (9, "last words")
    code, after, _ = run(warm, look, folder=tmp_path)
    assert code == 0
    assert after != before


def test_a_script_ends_when_its_starter_is_killed(warm: Path, tmp_path: Path) -> None:
    script = write_script(tmp_path, "$PID; Start-Sleep -Seconds 600")
    with subprocess.Popen(
        [warm, *OPTIONS, "-File", script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout
        process = os.pidfd_open(int(starter.stdout.readline()))
        starter.kill()
    assert select.select([process], [], [], 60)[0], "the script's process goes on"
    os.close(process)
    assert starter.returncode == -signal.SIGKILL
    assert run(warm, write_script(tmp_path, "exit 4"), folder=tmp_path)[0] == 4


def test_more_scripts_than_warm_processes_run_at_the_same_time(warm: Path, tmp_path: Path) -> None:
    script = write_script(
        tmp_path,
        "'' > \"$PID.here\"\n"
        f"while (@(Get-ChildItem -Filter *.here).Count -lt {PROCESSES + 1}) {{ Start-Sleep -Milliseconds 50 }}\n"
        "$PID",
    )
    with ThreadPoolExecutor(PROCESSES + 1) as pool:
        done = list(pool.map(lambda _: run(warm, script, folder=tmp_path), range(PROCESSES + 1)))
    assert [code for code, _, _ in done] == [0] * (PROCESSES + 1)
    assert len({output for _, output, _ in done}) == PROCESSES + 1


def test_a_powershell_that_cannot_be_kept_warm_runs_each_script_in_a_new_process(tmp_path: Path) -> None:
    program = tmp_path / "never-warm"
    program.write_text('#!/bin/sh\ncase "$*" in *server.ps1*) exit 1;; esac\necho "new: $6"\ncat\nexit 3\n')
    program.chmod(0o755)
    folder = tmp_path / "pool"
    folder.mkdir()
    with WarmPowerShell(program, folder) as running:
        answers = [run(running.launcher, Path("some.ps1"), "word", folder=tmp_path) for _ in range(PROCESSES + 1)]
    assert answers == [(3, "new: some.ps1\nthe input, größer\n", "")] * (PROCESSES + 1)
