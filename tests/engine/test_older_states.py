"""A stack that an older version of the program deployed, previewed with the program of today."""

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

# End of a resource's name -> the inputs that may change. CHANGELOG lists the same resources with the reasons.
ALLOWED = {
    "scripts": {"remotePath", "source"},
    "rotation": {"create"},
    "namespace": {"create"},
    "ssh": {"source"},
}


def preview_older_stack(name: str, folder: Path, tools: Tools) -> dict[str, tuple[str, set[str]]]:
    """Name of each resource that would change -> operation and changed inputs. No server runs: none is asked."""
    kept = STATES / name
    subscription = folder / "azure.json"
    shutil.copy(kept / "azure.json", subscription)
    with AzureNative(subscription) as azure, CommandProvider(REPOSITORY) as command:
        attached = {"azure-native": azure.port}
        if tools.command_plugin is None:
            attached["command"] = command.port
        stack = EngineStack(name, folder / "pulumi", tools, attached, PASSPHRASE)
        # `stack init` keeps the salt of a stack file that has one.
        shutil.copy(kept / f"Pulumi.{name}.yaml", stack.file)
        stack.run("stack", "init", name)
        stack.run("stack", "import", "--stack", name, "--file", str(kept / "state.json"))
        steps = [step for step in stack.preview()["steps"] if step["op"] != "same"]
    return {step["urn"].rpartition("::")[2]: (step["op"], set(step.get("diffReasons") or ())) for step in steps}


@pytest.mark.parametrize("name", ["lab", "prod", "existing", "joined"])
def test_a_stack_of_an_older_version_changes_only_as_the_changelog_says(
    name: str, tmp_path: Path, found: Tools
) -> None:
    changes = preview_older_stack(name, tmp_path, found)
    assert changes, "the scripts have changed since"
    forbidden = {
        resource: (operation, inputs)
        for resource, (operation, inputs) in changes.items()
        if operation != "update" or not inputs or not inputs <= ALLOWED.get(resource.rpartition("-")[2], set())
    }
    assert forbidden == {}


def test_the_changelog_lists_each_allowed_change() -> None:
    changelog = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    _, _, section = changelog.partition("### The next `pulumi up`")
    assert {end for end in ALLOWED if f"`cas-SERVER-{end}`" in section} == ALLOWED.keys()
