"""A deployed stack, read through the `pulumi` command: what it promised, and how its servers are reached.

What is promised, and by which way, comes from the outputs; the stack file may have been edited since (decision 0019).
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from components.args import JumpHostArgs, SshArgs
from components.namespace import Names, Settings
from operations.stack_file import OUTPUTS, StackFileComparison, compared
from restoration.logon import Logon
from stacks import arguments

# A state in the cloud answers in seconds.
PULUMI_SECONDS = 120


class StackError(Exception):
    """The stack could not be read; the text holds no value of it."""


@dataclass(frozen=True, kw_only=True)
class DeployedStack:
    """The outputs of the last `pulumi up`, which alone say what is deployed, and the logons of the stack file.

    `private_names` and `public_names` have a record set in the zone of that kind; `file` says whether the stack file
    differs from all that.
    """

    name: str
    names: Names
    private_names: Sequence[str]
    public_names: Sequence[str]
    ttl_seconds: int
    exchange_version: str
    https_port: int
    ssh: SshArgs
    settings: Settings
    servers: Mapping[str, Mapping[str, Any]]
    operator: Logon
    jump_host: Logon | None
    file: StackFileComparison

    def healing(self, keys: Iterable[str], cwd: Path | None = None) -> str:
        """The command that gives the servers with these keys the namespace again, and touches no other."""
        place = ["--cwd", str(cwd)] if cwd else []
        targets = [word for key in keys for word in ("--target-replace", str(self.servers[key]["namespaceUrn"]))]
        return shlex.join(["pulumi", "up", "--stack", self.name, *place, *targets])


def read_stack(name: str | None, cwd: Path | None = None, environment: Mapping[str, str] = os.environ) -> DeployedStack:
    """The stack by that name, else the selected one, of the project in `cwd`. Raises StackError.

    Secrets are decrypted into memory only; nothing that `pulumi` answered gets into an error.
    """
    run = partial(run_pulumi, cwd=cwd, environment=environment)
    name = name or run("stack", "--show-name").strip()
    outputs = parse_json(run("stack", "output", "--json", "--show-secrets", "--stack", name))
    config = parse_json(run("config", "--json", "--show-secrets", "--stack", name))
    return build_stack(name, outputs, read_values(config), config.get("azure-native:location", {}).get("value"))


def build_stack(
    name: str, outputs: Mapping[str, Any], values: Mapping[str, Any], location: str | None
) -> DeployedStack:
    """From the outputs, and the stack file's values with its secrets, which are kept apart from the rest."""
    if "servers" not in outputs:
        raise StackError(
            f"The stack {name} has no output `servers`: no `pulumi up` of it has come to its end yet. "
            f"Run: pulumi up --stack {name}"
        )
    if missing := [key for key in OUTPUTS if key not in outputs]:
        raise StackError(
            f"The stack {name} was deployed by an older version of this program, which did not keep "
            f"{', '.join(missing)} among its outputs. Run once: pulumi up --stack {name}"
        )
    if missing := [key for key in ("operator", "operatorPassword") if key not in values]:
        raise StackError(f"{name}: the stack file holds no {' and no '.join(missing)} to log on to the servers with.")
    ssh = read_ssh(outputs["ssh"])
    jump = ssh.jump_host
    return DeployedStack(
        name=name,
        names=read_names(outputs["namespace"]),
        private_names=outputs["dns"]["private"],
        public_names=outputs["dns"]["public"],
        ttl_seconds=outputs["dns"]["ttlSeconds"],
        exchange_version=outputs["exchangeVersion"],
        https_port=outputs["httpsPort"],
        ssh=ssh,
        settings=outputs["settings"],
        servers=outputs["servers"],
        operator=build_logon(values["operator"], values["operatorPassword"], values.get("operatorPrivateKey")),
        jump_host=build_logon(jump.user, values.get("jumpHostPassword"), values.get("jumpHostPrivateKey"))
        if jump
        else None,
        file=compared(name, values, location, outputs),
    )


def read_names(output: Mapping[str, Any]) -> Names:
    return Names(
        client=output["client"],
        autodiscover=output["autodiscover"],
        external_client=output["externalClient"],
        external_autodiscover=output["externalAutodiscover"],
    )


def read_ssh(output: Mapping[str, Any]) -> SshArgs:
    through = None
    if jump := output.get("jumpHost"):
        through = JumpHostArgs(host=jump["host"], port=jump["port"], user=jump["user"], host_key=jump["hostKey"])
    return SshArgs(port=output["port"], address=output["address"], jump_host=through)


def read_values(config: Mapping[str, Any]) -> dict[str, Any]:
    """The stack file's values, from what `pulumi config --json` says."""
    values: dict[str, Any] = {}
    for full_name, entry in config.items():
        project, _, key = full_name.partition(":")
        if project == arguments.PROJECT:
            values[key] = entry["value"] if key in arguments.SECRETS else arguments.parse_config_value(entry["value"])
    return values


def build_logon(user: str, password: object, private_key: object) -> Logon:
    return Logon(
        user=user,
        password=str(password) if password is not None else None,
        private_key=str(private_key) if private_key is not None else None,
    )


def run_pulumi(*words: str, cwd: Path | None, environment: Mapping[str, str], given: str = "") -> str:
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


def parse_json(text: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(text)
    except json.JSONDecodeError:
        raise StackError("pulumi answered something that is not JSON.") from None
    return found
