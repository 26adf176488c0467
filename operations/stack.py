"""A deployed stack, read with the `pulumi` command.

Settings, names and addresses come from the outputs of the last `pulumi up`, passwords from the stack file, which may
have been edited since (decision 0019).
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
from connections.logon import Logon
from operations.stack_file import OUTPUTS, StackFileComparison, compare_stack_file
from stacks import arguments

# Enough for a state in the cloud.
PULUMI_SECONDS = 120
# The engine adds this line to the errors of a program that fails.
PROGRAM_EXITED = "error: an unhandled error occurred: program exited with non-zero exit code"


class StackError(Exception):
    """The stack could not be read. The message holds no value of the stack file or the state."""


@dataclass(frozen=True, kw_only=True)
class DeployedStack:
    """The outputs of the last `pulumi up`, and the accounts from the stack file.

    `settings`: service -> Exchange setting -> value; `servers`: the output of each server by its key in the stack file;
    `private_names`, `public_names`: the names with a record set in the private or public zone; `file` says whether the
    stack file differs from the outputs.
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

    def heal_command(self, keys: Iterable[str], cwd: Path | None = None) -> str:
        """The command that writes the settings again on the servers with these keys, and on no other."""
        place = ["--cwd", str(cwd)] if cwd else []
        targets = [word for key in keys for word in ("--target-replace", str(self.servers[key]["namespaceUrn"]))]
        return shlex.join(["pulumi", "up", "--stack", self.name, *place, *targets])


def read_stack(name: str | None, cwd: Path | None = None, environment: Mapping[str, str] = os.environ) -> DeployedStack:
    """Read the stack with this name, or the selected one, of the project in `cwd`. Raises StackError.

    Secrets are decrypted in memory only. What `pulumi` prints on standard output is in no error.
    """
    run = partial(run_pulumi, cwd=cwd, environment=environment)
    name = name or run("stack", "--show-name").strip()
    outputs = parse_json(run("stack", "output", "--json", "--show-secrets", "--stack", name))
    config = parse_json(run("config", "--json", "--show-secrets", "--stack", name))
    return build_stack(name, outputs, read_config_values(config), config.get("azure-native:location", {}).get("value"))


def build_stack(
    name: str, outputs: Mapping[str, Any], values: Mapping[str, Any], location: str | None
) -> DeployedStack:
    """`values`: the stack file's by key, with secrets, of which only the accounts are kept. Raises StackError."""
    if "servers" not in outputs:
        raise StackError(
            f"The stack {name} has no output `servers`: no `pulumi up` of it has finished yet. "
            f"Run: pulumi up --stack {name}"
        )
    if missing := [key for key in OUTPUTS if key not in outputs]:
        raise StackError(
            f"The stack {name} was deployed by an older version of this program, without the outputs "
            f"{', '.join(missing)}. Run once: pulumi up --stack {name}"
        )
    if missing := [key for key in ("operator", "operatorPassword") if key not in values]:
        sets = [f"pulumi config set {'--secret ' * (key in arguments.SECRETS)}{key} --stack {name}" for key in missing]
        raise StackError(
            f"{name}: the stack file has no {' and no '.join(missing)}, needed to log on to the servers. "
            f"Run: {'; '.join(sets)}"
        )
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
        file=compare_stack_file(name, values, location, outputs),
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


def read_config_values(config: Mapping[str, Any]) -> dict[str, Any]:
    """The stack file's values by key, from the document that `pulumi config --json` prints."""
    values: dict[str, Any] = {}
    for full_name, entry in config.items():
        project, _, key = full_name.partition(":")
        if project == arguments.PROJECT:
            values[key] = (
                entry.get("value") if key in arguments.SECRETS else arguments.parse_config_value(entry["value"])
            )
    return values


def build_logon(user: str, password: object, private_key: object) -> Logon:
    return Logon(
        user=user,
        password=str(password) if password is not None else None,
        private_key=str(private_key) if private_key is not None else None,
    )


def run_pulumi(*words: str, cwd: Path | None, environment: Mapping[str, str], given: str = "") -> str:
    """Run `pulumi` and return its standard output; `given` goes to its standard input, which may hold a secret.

    Raises StackError.
    """
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
        reason = done.stderr.strip() or "\n".join(read_errors(done.stdout))
        ended = f"{command} ended with {done.returncode}"
        raise StackError(f"{ended}: {reason}" if reason else f"{ended} and printed no reason.")
    return done.stdout


def read_errors(printed: str) -> list[str]:
    """The errors in the document that a failed `pulumi preview --json` prints; none if it printed something else."""
    try:
        return filter_errors(json.loads(printed).get("diagnostics") or [])
    except (json.JSONDecodeError, AttributeError):
        return []


def filter_errors(diagnostics: Iterable[Mapping[str, Any]]) -> list[str]:
    """Each error once; without PROGRAM_EXITED where another error gives the reason."""
    errors = list(dict.fromkeys(entry["message"].strip() for entry in diagnostics if entry["severity"] == "error"))
    return [error for error in errors if not error.startswith(PROGRAM_EXITED)] or errors


def parse_json(text: str) -> dict[str, Any]:
    """Raises StackError, without the text, which may hold secrets."""
    try:
        found: dict[str, Any] = json.loads(text)
    except json.JSONDecodeError:
        raise StackError("pulumi printed something that is not JSON.") from None
    return found
