"""`lab up` without an engine: secrets, and labs that exist already."""

from __future__ import annotations

import sys
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
import yaml

from operations.labs import locks
from operations.labs.lab_file import derive_config
from operations.labs.names import LabError
from operations.labs.up import bring_up, collect_secrets
from tests.unit.labs import (
    ANNA,
    NOW,
    PASSWORD,
    TAGS,
    deployment,
    project_with_lab,
    recorded,
    zone,
)
from tests.unit.labs import base as base

pytestmark = pytest.mark.unit


def test_a_password_comes_from_the_environment_or_the_base_stack_and_the_administrators_is_generated(
    tmp_path: Path,
) -> None:
    given = recorded(tmp_path, {"LAB_OPERATOR_PASSWORD": PASSWORD})
    secrets = collect_secrets(given, ANNA, {}, {})
    assert secrets["operatorPassword"] == PASSWORD
    assert len(secrets["adminPassword"]) >= 12
    assert secrets["adminPassword"] != collect_secrets(given, ANNA, {}, {})["adminPassword"]
    inherited = recorded(tmp_path, {})
    found = collect_secrets(inherited, ANNA, {}, {"exchange-cas:operatorPassword": {"secure": "v1:x"}})
    assert found["operatorPassword"] == PASSWORD
    assert collect_secrets(inherited, ANNA, {f"exchange-cas:{key}": {} for key in found}, {}) == {}


def test_without_a_password_and_a_terminal_lab_up_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    with pytest.raises(LabError, match="operatorPassword: is missing; set LAB_OPERATOR_PASSWORD"):
        collect_secrets(recorded(tmp_path, {}), ANNA, {}, {})


def test_secrets_reach_pulumi_on_standard_input_and_never_a_file_or_a_command_line(
    tmp_path: Path, base: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: exchange-cas\nstackConfigDir: stacks\n", encoding="utf-8")
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "Pulumi.lab.yaml").write_text(
        yaml.safe_dump({"secretsprovider": "azurekeyvault://v", "config": base}), encoding="utf-8"
    )
    ran: list[tuple[str, ...]] = []
    monkeypatch.setattr(locks, "run_update", lambda *words, **_: ran.append(words))
    project = recorded(tmp_path, {"LAB_OPERATOR_PASSWORD": PASSWORD})
    bring_up(project, ANNA, owner="anna", hours=72, network=None, now=NOW)
    assert (("config", "set", "--secret", "operatorPassword", "--stack", "lab-anna"), PASSWORD) in project.asked
    assert not any(PASSWORD in word for words, _ in project.asked for word in words)
    assert {given for words, given in project.asked if "set" not in words} == {""}
    assert {len(words) for words, _ in project.asked if "set" in words} == {6}, "no value is among the words"
    assert PASSWORD not in (tmp_path / "stacks" / "Pulumi.lab-anna.yaml").read_text(encoding="utf-8")
    (init,) = [words for words, _ in project.asked if words[:2] == ("stack", "init")]
    assert init[-2:] == ("--secrets-provider", "azurekeyvault://v"), "the base's key vault encrypts for its labs"
    assert ran[0][0] == "up"


def test_another_owner_a_new_network_and_an_imported_zone_are_refused_at_a_renewal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base: dict[str, Any]
) -> None:
    made = derive_config(base, ANNA, TAGS, None)
    project = project_with_lab(tmp_path, monkeypatch, deployment(zone(tags={})), made)
    before = (tmp_path / "Pulumi.lab-anna.yaml").read_text(encoding="utf-8")
    with pytest.raises(LabError) as caught:
        bring_up(project, ANNA, owner="ben", hours=72, network=IPv4Network("10.77.0.0/16"), now=NOW)
    assert [row.partition(" ")[0] for row in caught.value.problems] == ["tag", "zone", "--network"]
    assert (project.asked, (tmp_path / "Pulumi.lab-anna.yaml").read_text(encoding="utf-8")) == ([], before)


def test_a_lab_whose_stack_file_is_on_another_computer_is_not_created_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = project_with_lab(tmp_path, monkeypatch, deployment(), None)
    with pytest.raises(LabError, match="it was made on another computer"):
        bring_up(project, ANNA, owner="anna", hours=72, network=None, now=NOW)
    assert project.asked == []


def test_a_renewal_keeps_edits_of_the_labs_stack_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base: dict[str, Any]
) -> None:
    made = {**derive_config(base, ANNA, TAGS, None), "exchange-cas:vmSize": "edited"}
    project = project_with_lab(tmp_path, monkeypatch, deployment(zone()), made)
    monkeypatch.setattr(locks, "run_update", lambda *_, **__: None)
    bring_up(project, ANNA, owner="anna", hours=100, network=None, now=NOW)
    config = project.read_config("lab-anna")
    assert config == {**made, "exchange-cas:tags": {**made["exchange-cas:tags"], "expires": "2026-11-28T08:00Z"}}
    assert not any(words[:2] == ("stack", "init") for words, _ in project.asked)
