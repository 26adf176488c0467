"""A deployed stack, read through the `pulumi` command: what it promised, and how its servers are reached."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from components.args import FarmArgs
from components.namespace import Settings
from components.powershell import Credential
from stacks import settings

# A state in the cloud answers in seconds.
PULUMI_SECONDS = 120


class StackError(Exception):
    """The stack could not be read; the text holds no value of it."""


@dataclass(frozen=True, kw_only=True)
class Logon:
    """An account, with a password or a private key to log on with over SSH. Secrets never show in its text."""

    user: str
    password: str | None = field(repr=False)
    private_key: str | None = field(repr=False)

    @property
    def credential(self) -> Credential | None:
        """What a script needs beside a logon with a key: Windows gives such a session none for the network."""
        return {"userName": self.user, "password": self.password or ""} if self.private_key else None


@dataclass(frozen=True, kw_only=True)
class Stack:
    """`settings` and `servers` are the outputs of the last `pulumi up`; `farm` is the stack file without secrets."""

    name: str
    farm: FarmArgs
    settings: Settings
    servers: Mapping[str, Mapping[str, Any]]
    operator: Logon
    jump_host: Logon | None

    def healing(self, keys: Iterable[str], cwd: Path | None = None) -> str:
        """The command that gives the servers with these keys the namespace again, and touches no other."""
        place = ["--cwd", str(cwd)] if cwd else []
        targets = [word for key in keys for word in ("--target-replace", str(self.servers[key]["namespaceUrn"]))]
        return shlex.join(["pulumi", "up", "--stack", self.name, *place, *targets])


def read(name: str | None, cwd: Path | None = None, environment: Mapping[str, str] = os.environ) -> Stack:
    """The stack by that name, else the selected one, of the project in `cwd`. Raises StackError.

    Secrets are decrypted into memory only; nothing that `pulumi` answered gets into an error.
    """
    run = partial(pulumi, cwd=cwd, environment=environment)
    name = name or run("stack", "--show-name").strip()
    outputs = document(run("stack", "output", "--json", "--show-secrets", "--stack", name))
    if "servers" not in outputs:
        missing = f"The stack {name} has no output `servers`: no `pulumi up` of it has come to its end yet."
        raise StackError(f"{missing} Run: pulumi up --stack {name}")
    return made(name, farm_of(name, document(run("config", "--json", "--show-secrets", "--stack", name))), outputs)


def made(name: str, farm: FarmArgs, outputs: Mapping[str, Any]) -> Stack:
    """From the whole stack file and the outputs; the secrets are kept apart from the rest."""
    jump = farm.ssh.jump_host
    return Stack(
        name=name,
        farm=replace(
            farm,
            operator_password="",
            operator_private_key=None,
            admin_password=None,
            jump_host_password=None,
            jump_host_private_key=None,
        ),
        settings=outputs["settings"],
        servers=outputs["servers"],
        operator=logon(farm.operator, farm.operator_password, farm.operator_private_key),
        jump_host=logon(jump.user, farm.jump_host_password, farm.jump_host_private_key) if jump else None,
    )


def farm_of(name: str, config: Mapping[str, Any]) -> FarmArgs:
    values: dict[str, Any] = {}
    for full_name, entry in config.items():
        project, _, key = full_name.partition(":")
        if project == settings.PROJECT:
            values[key] = entry["value"] if key in settings.SECRETS else settings.plain(entry["value"])
    try:
        return settings.read(values, location=config.get("azure-native:location", {}).get("value"))
    except settings.SettingsError as error:
        raise StackError(f"{name}: {error}") from None


def logon(user: str, password: object, private_key: object) -> Logon:
    return Logon(
        user=user,
        password=str(password) if password is not None else None,
        private_key=str(private_key) if private_key is not None else None,
    )


def pulumi(*words: str, cwd: Path | None, environment: Mapping[str, str], given: str = "") -> str:
    """What `pulumi` answers on standard output; `given` is its standard input, where a secret is seen by nobody."""
    command = f"pulumi {' '.join(words)}"
    try:
        done = subprocess.run(
            ["pulumi", *words, "--non-interactive"],
            cwd=cwd,
            env=environment,
            input=given,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=PULUMI_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise StackError(f"{command} did not answer within {PULUMI_SECONDS} s.") from None
    except NotADirectoryError:
        raise StackError(f"--cwd {cwd} is not a folder.") from None
    except FileNotFoundError:
        missing = f"--cwd {cwd} is not a folder." if cwd and not cwd.is_dir() else "pulumi is not on the PATH."
        raise StackError(f"{missing} Name the project's folder, and install Pulumi (or run: make setup).") from None
    if done.returncode != 0:
        raise StackError(f"{command} ended with {done.returncode}: {done.stderr.strip() or complaints(done.stdout)}")
    return done.stdout


def complaints(printed: str) -> str:
    """The errors in the digest of a preview, which `--json` sends to standard output."""
    try:
        told = json.loads(printed).get("diagnostics") or []
    except (json.JSONDecodeError, AttributeError):
        return "it did not say why."
    return "\n".join(one["message"].strip() for one in told if one["severity"] == "error")


def document(text: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(text)
    except json.JSONDecodeError:
        raise StackError("pulumi answered something that is not JSON.") from None
    return found
