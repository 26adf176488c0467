"""A stack that an older version of the program deployed meets the program of today."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rehearsal.stack import EngineStack
from rehearsal.stand_ins.azure_native import AzureNative
from rehearsal.stand_ins.command import CommandProvider
from rehearsal.tools import REPOSITORY, Tools

pytestmark = pytest.mark.engine

STATES = REPOSITORY / "tests" / "data" / "states"
PASSPHRASE = "passphrase of kept states"  # noqa: S105

# What the next `up` runs again: CHANGELOG names each and the reason.
RERUN: dict[str, str] = {}


def preview_older_stack(name: str, folder: Path, tools: Tools) -> dict[str, str]:
    """Resource -> operation, for all that would change. No server runs: a preview connects to none."""
    kept = STATES / name
    state = folder / "azure.json"
    shutil.copy(kept / "azure.json", state)
    with AzureNative(state) as azure, CommandProvider(REPOSITORY) as command:
        attached = {"azure-native": azure.port}
        if tools.command_plugin is None:
            attached["command"] = command.port
        stack = EngineStack(name, folder / "pulumi", tools, attached, PASSPHRASE)
        # Its salt comes along: `stack init` keeps the one that a stack file has.
        shutil.copy(kept / f"Pulumi.{name}.yaml", stack.file)
        stack.run("stack", "init", name)
        stack.run("stack", "import", "--stack", name, "--file", str(kept / "state.json"))
        steps = stack.preview()["steps"]
    return {step["urn"].rpartition("::")[2]: step["op"] for step in steps if step["op"] != "same"}


@pytest.mark.parametrize("name", ["lab", "prod", "existing", "joined"])
def test_a_stack_of_an_older_version_previews_with_the_changes_that_the_changelog_lists_and_no_other(
    name: str, tmp_path: Path, found: Tools
) -> None:
    changes = preview_older_stack(name, tmp_path, found)
    assert {resource: operation for resource, operation in changes.items() if not is_rerun(resource, operation)} == {}


def is_rerun(resource: str, operation: str) -> bool:
    return RERUN.get(resource.rpartition("-")[2]) == operation
