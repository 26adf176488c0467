"""A lab is taken down: whatever was killed, lost or deleted by hand before, nothing of it is left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from operations.labs import azure, engine, state
from operations.labs.azure import Azure
from operations.labs.engine import InUseError
from operations.labs.names import LAB, Lab, LabError
from operations.labs.project import Project
from operations.labs.state import State
from operations.stack import StackError


@dataclass(frozen=True, kw_only=True)
class Found:
    """What there is of a lab. `tags` are the resource group's in Azure, None where there is no group of this lab's."""

    stack: bool
    file: bool
    state: State
    config: Mapping[str, Any]
    group: str
    tags: Mapping[str, str] | None


def down(project: Project, lab: Lab, *, me: str, break_lock: bool, now: datetime) -> None:
    """Raises LabError where the lab must not go, with nothing touched; StackError where a step fails: run it again."""
    known = project.state(lab.stack) if (stack := lab.stack in project.stacks()) else State()
    content = project.content(lab.stack)
    config = (content or {"config": {}})["config"]
    with azure.sign_in({**provider(config), **known.provider()}, project.environment) as cloud:
        found = Found(
            stack=stack,
            file=content is not None,
            state=known,
            config=config,
            group=(name := group(known, config, lab)),
            tags=own(cloud.group_tags(name), known, lab),
        )
        refuse(lab, found, cloud, me, now)
        if not (found.stack or found.file or found.tags is not None):
            engine.say(f"There is no lab {lab.name}: nothing to do.")
            return
        if found.stack:
            destroy(project, lab, found, cloud, break_lock=break_lock, now=now)
        leave(cloud, lab, found)
    if found.stack:
        project.ask("stack", "rm", lab.stack, "--yes", "--remove-backups")
    # Last: as long as the file is there, the lab is known here.
    project.file(lab.stack).unlink(missing_ok=True)
    engine.say(f"lab {lab.name} is gone.")


def refuse(lab: Lab, found: Found, cloud: Azure, me: str, now: datetime) -> None:
    tags = [found.config.get("exchange-cas:tags") or {}, found.tags or {}]
    tags += [found.state.group.tags] if found.state.group else []
    zones = cloud.zones(found.group) if found.tags is not None else {}
    problems = [
        *state.protected(found.state, found.config),
        *state.foreign_owner(tags, me, now),
        *state.foreign_zones(found.state, lab, found.group, zones),
    ]
    if problems:
        raise LabError(lab.name, problems)


def destroy(project: Project, lab: Lab, found: Found, cloud: Azure, *, break_lock: bool, now: datetime) -> None:
    """First as Pulumi does it. What it does not know of stands in its way: then the resource group goes as a whole."""
    words = ("destroy", "--refresh", "--yes", "--skip-preview", "--suppress-outputs")
    try:
        project.run(*words, stack=lab.stack, now=now, break_lock=break_lock)
    except InUseError:
        # Somebody's run, begun since the lock was taken away: nothing is deleted under it.
        raise
    except StackError as error:
        if found.tags is None:
            raise
        engine.say(f"{error} The resource group {found.group} goes as a whole.")
        cloud.delete_group(found.group)
        project.run(*words, stack=lab.stack, now=now, break_lock=break_lock)


def leave(cloud: Azure, lab: Lab, found: Found) -> None:
    """Nothing in Azure, also where the state never heard of it."""
    tags = cloud.group_tags(found.group)
    if tags is not None and tags.get(LAB) == lab.name:
        engine.say(f"The resource group {found.group} is in Azure and not in the state: it goes as a whole.")
        cloud.delete_group(found.group)


def own(tags: dict[str, str] | None, known: State, lab: Lab) -> dict[str, str] | None:
    """None for a group of another's: one with another lab's tag, or with none where the stack did not make it.

    A group that the stack made may have been deleted by hand, and made again by somebody else.
    """
    made = known.group is not None and bool(known.group.id) and not known.group.found
    return tags if tags is not None and tags.get(LAB, lab.name if made else None) == lab.name else None


def group(known: State, config: Mapping[str, Any], lab: Lab) -> str:
    inputs = known.group.inputs if known.group else {}
    named = (config.get("exchange-cas:resourceGroup") or {}).get("name")
    return str(inputs.get("resourceGroupName") or named or lab.resource_group)


def provider(config: Mapping[str, Any]) -> dict[str, str]:
    prefix = "azure-native:"
    return {
        key.removeprefix(prefix): value
        for key, value in config.items()
        if key.startswith(prefix) and isinstance(value, str)
    }
