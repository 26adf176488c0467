"""A lab is made: its stack file, its stack, its secrets, and `pulumi up`. What is there already is not made again."""

from __future__ import annotations

import getpass
import string
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from ipaddress import IPv4Network
from secrets import choice
from typing import Any

from operations.labs import engine, file, state
from operations.labs.names import EXPIRES, OWNER, Lab, LabError
from operations.labs.project import BASE, Project
from operations.stack import StackError
from stacks import arguments

# Secrets that a lab needs, and the variables that give them where the base stack has none.
VARIABLES = {"operatorPassword": "LAB_OPERATOR_PASSWORD", "adminPassword": "LAB_ADMIN_PASSWORD"}


def up(project: Project, lab: Lab, *, me: str, hours: float, network: IPv4Network | None, now: datetime) -> None:
    """Raises LabError before anything is made where the lab cannot be; StackError where a run fails."""
    exists = lab.stack in project.stacks()
    content = project.content(lab.stack)
    before = project.content(BASE)
    tags = lab.tags(me, now + timedelta(hours=hours))
    if content is None:
        if exists:
            remedy = f"run it where {project.file(lab.stack).name} is, or take the lab down first."
            raise LabError(lab.name, [f"stack {lab.stack}: it was made on another computer; {remedy}"])
        if before is None:
            raise StackError(f"{project.file(BASE)}: there is no such file; every lab is made from it.")
        kept = {"secretsprovider": before["secretsprovider"]} if before.get("secretsprovider") else {}
        content = {**kept, "config": file.made(before["config"], lab, tags, network)}
    else:
        refuse(project, lab, content["config"], exists=exists, me=me, network=network, now=now)
        content = {**content, "config": file.retagged(content["config"], tags)}
    given = wanted(project, lab, content["config"], (before or {"config": {}})["config"])
    project.write(lab.stack, content)
    if not exists:
        provider = ["--secrets-provider", content["secretsprovider"]] if content.get("secretsprovider") else []
        project.ask("stack", "init", lab.stack, "--no-select", *provider)
    for key, value in given.items():
        project.ask("config", "set", "--secret", key, "--stack", lab.stack, given=value)
    down = f"make lab-down NAME={lab.name}"
    try:
        project.run("up", "--yes", "--skip-preview", "--suppress-outputs", stack=lab.stack, now=now, break_lock=False)
    except StackError as error:
        raise StackError(f"{error} Mend it and run it again, or take the lab down: {down}") from None
    engine.say(f"lab {lab.name} is up until {tags[EXPIRES]} ({OWNER} {me}). Down again: {down}")


def refuse(
    project: Project,
    lab: Lab,
    config: Mapping[str, Any],
    *,
    exists: bool,
    me: str,
    network: IPv4Network | None,
    now: datetime,
) -> None:
    """A lab that is there already is renewed by its owner only, in its own network, and with its own zones."""
    known = project.state(lab.stack) if exists else state.State()
    tags = [config.get("exchange-cas:tags") or {}, known.group.tags if known.group else {}]
    problems = [*state.foreign_owner(tags, me, now)]
    problems += state.foreign_zones(known, lab, lab.resource_group, {})
    if network:
        problems.append(f"--network {network}: the lab is there already; take it down first.")
    if problems:
        raise LabError(lab.name, problems)


def wanted(project: Project, lab: Lab, config: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, str]:
    """The secrets that the lab does not have yet; they are never on a command line, and on no disk unencrypted."""
    found, missing = {}, []
    for key in sorted(arguments.SECRETS):
        full_name = f"{arguments.PROJECT}:{key}"
        if full_name in config:
            continue
        variable = VARIABLES.get(key, "")
        if value := project.environment.get(variable):
            found[key] = value
        elif isinstance(base.get(full_name), Mapping):
            found[key] = project.ask("config", "get", key, "--stack", BASE).removesuffix("\n")
        elif key == "adminPassword":
            found[key] = password()
        elif key == "operatorPassword" and sys.stdin.isatty():
            found[key] = getpass.getpass(f"Password of {config.get(f'{arguments.PROJECT}:operator')}: ")
        elif variable:
            remedy = f"set {variable}, or once for every lab: pulumi config set --secret {key} --stack {BASE}"
            missing.append(f"{key}: is missing; {remedy}")
    if missing:
        raise LabError(lab.name, missing)
    return found


def password() -> str:
    """For an account that hardly anybody needs; `pulumi config get adminPassword` shows it."""
    # Azure wants three kinds of characters of four.
    return "aA1!" + "".join(choice(string.ascii_letters + string.digits) for _ in range(24))
