"""What the tests of labs share: one lab, its base, its state, and a project that runs no `pulumi`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from operations.labs.lab_state import LabState, parse_state
from operations.labs.names import Lab
from operations.labs.project import LabProject
from rehearsal import stack_file

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
ANNA = Lab("anna")
TAGS = ANNA.tags("anna", NOW + timedelta(hours=72))
PASSWORD = "op3rator!Secret"  # noqa: S105 - opens nothing
GROUP = "/subscriptions/s/resourceGroups/exchange-cas-lab-anna"


@pytest.fixture
def base() -> dict[str, Any]:
    """The config block of stacks/Pulumi.lab.yaml."""
    found: dict[str, Any] = yaml.safe_load(stack_file.find_stack_file("lab").read_text(encoding="utf-8"))["config"]
    return found


def resource(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"urn": f"urn:pulumi:lab-anna::exchange-cas::{kind}::{name}", "type": kind, **more}


def deployment(*rows: dict[str, Any], pending: tuple[dict[str, Any], ...] = ()) -> LabState:
    operations = [{"type": "creating", "resource": row} for row in pending]
    return parse_state({"deployment": {"resources": list(rows), "pending_operations": operations}})


def zone(domain: str = "anna.lab.mail-domain.com", tags: Mapping[str, str] = TAGS, **more: Any) -> dict[str, Any]:
    id = f"{GROUP}/providers/Microsoft.Network/privateDnsZones/{domain}"
    inputs = {"privateZoneName": domain, "tags": dict(tags)}
    return resource("azure-native:privatedns:PrivateZone", "cas-private-zone", **{"id": id, "inputs": inputs, **more})


class RecordedProject(LabProject):
    """A project that does not run `pulumi`: `asked` holds its words and its standard input."""

    asked: list[tuple[tuple[str, ...], str]]

    def ask(self, *words: str, given: str = "") -> str:
        self.asked.append((words, given))
        answers = {"config": f"{PASSWORD}\n", "whoami": "{}"}
        return answers.get(words[0], "[]")


def recorded(folder: Path, environment: Mapping[str, str]) -> RecordedProject:
    made = RecordedProject(folder=folder, environment=environment)
    object.__setattr__(made, "asked", [])
    return made


def project_with_lab(
    folder: Path, monkeypatch: pytest.MonkeyPatch, known: LabState, config: Mapping[str, Any] | None
) -> RecordedProject:
    """A project whose backend has the stack lab-anna with this state, and its stack file if `config` is given."""
    (folder / "Pulumi.yaml").write_text("name: exchange-cas\n", encoding="utf-8")
    if config is not None:
        (folder / "Pulumi.lab-anna.yaml").write_text(yaml.safe_dump({"config": dict(config)}), encoding="utf-8")
    monkeypatch.setattr(LabProject, "list_stacks", lambda _: {"lab-anna": NOW})
    monkeypatch.setattr(LabProject, "read_state", lambda *_: known)
    return recorded(folder, {"LAB_OPERATOR_PASSWORD": PASSWORD})
