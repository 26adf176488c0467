"""Creates a lab (stack file, stack, secrets, `pulumi up`), or updates and renews one that exists."""

from __future__ import annotations

import getpass
import string
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from ipaddress import IPv4Network
from secrets import choice
from typing import Any

import typer

from operations.labs.lab_file import derive_config, with_tags
from operations.labs.lab_state import LabState, find_foreign_zones, find_other_owner
from operations.labs.names import EXPIRES, OWNER, Lab, LabError
from operations.labs.project import LabProject
from operations.stack import StackError
from stacks.arguments import PROJECT, SECRETS

BASE = "lab"
# Secrets that a lab needs -> the variables that give them where the base stack has none.
VARIABLES = {"operatorPassword": "LAB_OPERATOR_PASSWORD", "adminPassword": "LAB_ADMIN_PASSWORD"}


def bring_up(
    project: LabProject, lab: Lab, *, owner: str, hours: float, network: IPv4Network | None, now: datetime
) -> None:
    """Raises LabError before anything changes; StackError where a step fails."""
    exists = lab.stack in project.list_stacks()
    content = project.read_stack_file(lab.stack)
    base = project.read_stack_file(BASE)
    tags = lab.tags(owner, now + timedelta(hours=hours))
    if content is not None:
        state = project.read_state(lab.stack) if exists else LabState()
        check_renewal(lab, state, content["config"], owner=owner, network=network, now=now)
        content = {**content, "config": with_tags(content["config"], tags)}
    elif exists:
        remedy = f"run it where {project.stack_file(lab.stack).name} is, or take the lab down first."
        raise LabError(lab.name, [f"stack {lab.stack}: it was made on another computer; {remedy}"])
    elif base is None:
        raise StackError(f"{project.stack_file(BASE)} does not exist; every lab is made from it.")
    else:
        provider = {key: base[key] for key in ("secretsprovider",) if base.get(key)}
        content = {**provider, "config": derive_config(base["config"], lab, tags, network)}
    secrets = collect_secrets(project, lab, content["config"], base["config"] if base else {})
    project.write_stack_file(lab.stack, content)
    if not exists:
        provider_words = ["--secrets-provider", content["secretsprovider"]] if content.get("secretsprovider") else []
        project.ask("stack", "init", lab.stack, "--no-select", *provider_words)
    for key, value in secrets.items():
        project.ask("config", "set", "--secret", key, "--stack", lab.stack, given=value)
    down = f"make lab-down NAME={lab.name}"
    try:
        project.run("up", "--yes", "--skip-preview", "--suppress-outputs", stack=lab.stack, now=now, break_lock=False)
    except StackError as error:
        raise StackError(f"{error} Correct it and run it again, or take the lab down: {down}") from None
    typer.echo(f"lab {lab.name} is up until {tags[EXPIRES]} ({OWNER} {owner}). Take it down with: {down}")


def check_renewal(
    lab: Lab, state: LabState, config: Mapping[str, Any], *, owner: str, network: IPv4Network | None, now: datetime
) -> None:
    """Only its owner may renew a lab, in its own network and with its own zones. Raises LabError."""
    tags = [config.get(f"{PROJECT}:tags") or {}, state.group.tags if state.group else {}]
    problems = [*find_other_owner(tags, owner, now), *find_foreign_zones(state, lab, lab.resource_group, {})]
    if network:
        problems.append(f"--network {network}: the lab exists already; take it down first.")
    if problems:
        raise LabError(lab.name, problems)


def collect_secrets(
    project: LabProject, lab: Lab, config: Mapping[str, Any], base: Mapping[str, Any]
) -> dict[str, str]:
    """The secrets that the lab's stack file lacks, in plain text: for `pulumi`'s standard input only."""
    secrets, missing = {}, []
    for key in sorted(SECRETS - {name.removeprefix(f"{PROJECT}:") for name in config}):
        variable = VARIABLES.get(key, "")
        if value := project.environment.get(variable):
            secrets[key] = value
        elif isinstance(base.get(f"{PROJECT}:{key}"), Mapping):
            secrets[key] = project.ask("config", "get", key, "--stack", BASE).removesuffix("\n")
        elif key == "adminPassword":
            secrets[key] = generate_password()
        elif key == "operatorPassword" and sys.stdin.isatty():
            secrets[key] = getpass.getpass(f"Password of {config.get(f'{PROJECT}:operator')}: ")
        elif variable:
            remedy = f"set {variable}, or once for every lab: pulumi config set --secret {key} --stack {BASE}"
            missing.append(f"{key}: is missing; {remedy}")
    if missing:
        raise LabError(lab.name, missing)
    return secrets


def generate_password() -> str:
    """For the local administrator; `pulumi config get adminPassword` shows it."""
    # Azure requires three of four kinds of characters.
    return "aA1!" + "".join(choice(string.ascii_letters + string.digits) for _ in range(24))
