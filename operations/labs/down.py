"""Takes a lab down completely, after any kill, loss or manual deletion."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

import typer

from operations.azure.resource_manager import ResourceManagerClient
from operations.azure.sign_in import sign_in
from operations.labs.lab_state import LabState, find_foreign_zones, find_other_owner, find_protection
from operations.labs.locks import StackLockedError
from operations.labs.names import LAB, Lab, LabError
from operations.labs.project import LabProject
from operations.stack import StackError

AZURE = "azure-native:"


def take_down(project: LabProject, lab: Lab, *, owner: str, break_lock: bool, now: datetime) -> None:
    """Raises LabError before anything changes; StackError where a step fails: run it again."""
    exists = lab.stack in project.list_stacks()
    state = project.read_state(lab.stack) if exists else LabState()
    config = project.read_config(lab.stack)
    keys = {key.removeprefix(AZURE): value for key, value in config.items() if key.startswith(AZURE)}
    texts = {key: value for key, value in keys.items() if isinstance(value, str)}
    group = find_group(state, config, lab)
    with sign_in({**texts, **state.provider}, project.environment) as azure:
        tags = select_own_tags(azure.group_tags(group), state, lab)
        zones = azure.zones(group) if tags is not None else {}
        known_tags = [config.get("exchange-cas:tags") or {}, tags or {}, state.group.tags if state.group else {}]
        problems = [
            *find_protection(state, config),
            *find_other_owner(known_tags, owner, now),
            *find_foreign_zones(state, lab, group, zones),
        ]
        if problems:
            raise LabError(lab.name, problems)
        if not exists and tags is None and not project.stack_file(lab.stack).exists():
            typer.echo(f"There is no lab {lab.name}: nothing to do.")
            return
        if exists:
            words = ("destroy", "--refresh", "--yes", "--skip-preview", "--suppress-outputs")
            run = partial(project.run, *words, stack=lab.stack, now=now, break_lock=break_lock)
            try:
                run()
            except StackLockedError:
                raise  # a new run has taken the lock: nothing may be deleted while it runs
            except StackError as error:
                if tags is None:
                    raise
                # A resource that the state has lost can block the deletion of others.
                typer.echo(f"{error} Deleting the resource group {group} as a whole.")
                azure.delete_group(group)
                run()
        delete_lost_group(azure, group, lab)
    if exists:
        project.ask("stack", "rm", lab.stack, "--yes", "--remove-backups")
    # Last, so that an interrupted `lab down` still finds its lab.
    project.stack_file(lab.stack).unlink(missing_ok=True)
    typer.echo(f"lab {lab.name} is gone.")


def delete_lost_group(azure: ResourceManagerClient, group: str, lab: Lab) -> None:
    """An empty state does not prove that nothing is left: the group's tag decides."""
    tags = azure.group_tags(group)
    if tags is not None and tags.get(LAB) == lab.name:
        typer.echo(f"The resource group {group} is in Azure and not in the state: deleting it as a whole.")
        azure.delete_group(group)


def find_group(state: LabState, config: Mapping[str, Any], lab: Lab) -> str:
    """The name of the lab's resource group, from the state before the stack file."""
    inputs = state.group.inputs if state.group else {}
    configured = (config.get("exchange-cas:resourceGroup") or {}).get("name")
    return str(inputs.get("resourceGroupName") or configured or lab.resource_group)


def select_own_tags(tags: dict[str, str] | None, state: LabState, lab: Lab) -> dict[str, str] | None:
    """Ignore a resource group of the same name unless this stack created it or its `lab` tag matches.

    Another lab's tag counts even if this stack created the group: that lab may have deleted and recreated it.
    """
    is_created = state.group is not None and bool(state.group.id) and not state.group.is_adopted
    return tags if tags is not None and tags.get(LAB, lab.name if is_created else None) == lab.name else None
