"""A computer with nothing installed, on which tests put the parts of a rehearsal."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest

from rehearsal import tools
from rehearsal.engine import build
from rehearsal.powershell import lookup
from rehearsal.stand_ins.language_host import LANGUAGE_HOST
from tests.unit.programs import write_program


@pytest.fixture
def computer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A computer with nothing on PATH but /bin/sh's folder, an empty home, no engine and no PowerShell of our own."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(build, "ENGINE", tmp_path / "built" / "pulumi")
    monkeypatch.setattr(lookup, "PLACE", tmp_path / "checkout" / ".tools" / "pwsh")
    monkeypatch.setattr(tools, "REPOSITORY", tmp_path / "checkout")
    return tmp_path


@pytest.fixture
def engine(computer: Path) -> Path:
    return write_program(computer / "bin" / "pulumi", "v3.300.1")


LEFT_BEHIND = "the stand-in of an earlier rehearsal"


@pytest.fixture
def install(computer: Path) -> tools.Tools:
    """A host on PATH, with an engine built here beside which a stand-in was left, and an installed provider."""
    write_program(computer / "built" / "pulumi")
    write_program(computer / "built" / LANGUAGE_HOST, LEFT_BEHIND)
    write_program(computer / "bin" / LANGUAGE_HOST)
    write_program(computer / "bin" / f"{LANGUAGE_HOST}-exec")
    write_program(
        computer / "home" / "plugins" / f"resource-command-v{version('pulumi-command')}" / tools.COMMAND_PLUGIN
    )
    return tools.find_tools()
