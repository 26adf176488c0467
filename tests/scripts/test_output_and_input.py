"""What the command provider asks of every script: UTF-8, lines of bounded length, an input that is read to its end.

That each run of a script leaves no input unread and writes UTF-8 is looked at by `Servers.run`, so by every test here.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.scripts.servers import (
    GET,
    RESTORE,
    ROTATE,
    SCRIPTS,
    SET,
    Servers,
    altered,
    document,
    run_with_input,
)

# Longer than what the provider takes for one line.
LONG = "X" * 70_000


@pytest.mark.parametrize("script", [SET, GET, RESTORE, ROTATE], ids=lambda script: script.stem)
def test_a_script_that_fails_at_once_has_read_its_whole_input(servers: Servers, script: Path) -> None:
    servers.organisation.add_server("ex1")
    outcome = servers.run(script, stdin=b"no document" + b" " * 40_000)
    assert outcome.exit_code == 2


def test_a_warning_and_a_long_sentence_are_printed_as_utf_8_in_bounded_lines(servers: Servers, tmp_path: Path) -> None:
    servers.organisation.add_server("ex1")
    begin = "        $document = Read-NamespaceDocument -WithSettings:$WithSettings\n"
    said = (
        f"        Write-Warning 'Dienst für Müller'\n        Write-Note ('{LONG[:10]}' * 7000)\n        throw 'Größe'\n"
    )
    script = altered(tmp_path / "scripts", SET, "ClientAccess.ps1", {begin: begin + said})
    outcome = servers.run(script, document())
    lines = outcome.stderr.splitlines()
    assert lines[0] == "Warning: Dienst für Müller"
    assert max(len(line.encode()) for line in lines) < 64 * 1024
    assert LONG in outcome.stderr.replace("\n", "")
    assert "Größe" in outcome.stderr
    assert outcome.report["changed"] == 0, "nothing but the report is on standard output"


def test_what_powershell_itself_prints_is_utf_8_whatever_the_console_had(cold_powershell: Path, tmp_path: Path) -> None:
    script = tmp_path / "console.ps1"
    script.write_text(
        "[Console]::OutputEncoding = [System.Text.Encoding]::GetEncoding('ISO-8859-1')\n"
        f". '{SCRIPTS}/ClientAccess.ps1'\n"
        "[Console]::OutputEncoding.WebName + ' ' + [Console]::OutputEncoding.GetPreamble().Count\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [cold_powershell, "-NoProfile", "-File", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "utf-8 0\n"


def test_unread_input_of_a_script_is_detected(cold_powershell: Path, tmp_path: Path) -> None:
    """So that the look of `Servers.run` is one that can fail."""
    script = tmp_path / "hasty.ps1"
    script.write_text("'done'\n", encoding="utf-8")
    done, left = run_with_input(
        [str(cold_powershell), "-NoProfile", "-NonInteractive", "-File", str(script)], {}, b"12345"
    )
    assert (done.stdout, left) == (b"done\n", 5)
