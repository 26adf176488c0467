"""The command `lab` without an engine: exit codes, `make`, and the list of expired labs."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from operations.labs import command
from operations.labs.lab_state import LabState
from operations.labs.names import Lab
from operations.labs.project import LabProject
from operations.stack import StackError
from rehearsal.tools import REPOSITORY
from tests.unit.labs import base as base
from tests.unit.labs import (
    deployment,
    resource,
)

pytestmark = pytest.mark.unit


def test_only_a_refusal_tells_the_workflow_to_leave_the_lab_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = tmp_path / "outputs"
    monkeypatch.setenv("GITHUB_OUTPUT", str(outputs))
    assert CliRunner().invoke(command.app, ["up", "anna", "--cwd", str(tmp_path / "none")]).exit_code == 2
    assert not outputs.exists()
    assert CliRunner().invoke(command.app, ["up", "Anna"]).exit_code == 1
    assert outputs.read_text(encoding="utf-8") == "refused=true\n"


@pytest.mark.parametrize("word", ["up", "down"])
def test_make_runs_the_documented_commands(word: str) -> None:
    found = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", f"lab-{word}", "NAME=anna", "OPTIONS=--owner ben"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.splitlines()[-1] == f'.venv/bin/python -m operations lab {word} "anna" --owner ben'


def test_expired_labs_are_listed_and_no_other_stack(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    now = datetime.now(UTC)
    past, future = (Lab("x").tags("anna", now + timedelta(hours=hours)) for hours in (-1, 1))
    group = "azure-native:resources:ResourceGroup"
    known = {
        "prod": deployment(resource(group, "cas-group", inputs={"tags": past})),
        "lab-over": deployment(resource(group, "cas-group", inputs={"tags": past})),
        "lab-interrupted": deployment(pending=(resource(group, "cas-group", inputs={"tags": past}),)),
        "lab-wanted": deployment(resource(group, "cas-group", inputs={"tags": future})),
        "lab-empty": deployment(),
        "lab-new": deployment(),
    }
    changed = {"lab-new": now, "lab-empty": now - timedelta(days=9)}
    monkeypatch.setattr(LabProject, "list_stacks", lambda _: {name: changed.get(name) for name in known})
    monkeypatch.setattr(LabProject, "read_state", lambda _, name: known[name])
    monkeypatch.setattr(LabProject, "read_config", lambda *_: {})
    command.list_expired(LabProject(folder=Path(), environment={}))
    assert capsys.readouterr().out.split() == ["over", "interrupted", "empty"]


def test_an_unreadable_lab_hides_no_other_and_ends_with_2(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    past = Lab("x").tags("anna", datetime.now(UTC) - timedelta(hours=1))
    over = deployment(resource("azure-native:resources:ResourceGroup", "cas-group", inputs={"tags": past}))

    def read_state(_: LabProject, stack: str) -> LabState:
        if stack == "lab-torn":
            raise StackError("pulumi stack export ended with 255: error: EOF")
        return over

    monkeypatch.setattr(LabProject, "list_stacks", lambda _: dict.fromkeys(["lab-anna", "lab-torn", "lab-zoe"]))
    monkeypatch.setattr(LabProject, "read_state", read_state)
    result = CliRunner().invoke(command.app, ["expired"])
    assert (result.exit_code, result.stdout.split()) == (2, ["anna", "zoe"])
    assert "error: EOF" in result.stderr
    assert "torn" in result.stderr.splitlines()[-1]
