"""`python -m operations verify` and `drift`, run as an administrator runs them, on a stack that the engine deployed."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from rehearsal.rehearsal import Rehearsal
from rehearsal.stand_ins.dns import AzureDns
from rehearsal.tools import REPOSITORY
from tests.engine.conftest import SERVERS, Start
from tests.engine.looks import PROJECT, cmdlets, promised_settings, scripts_run, servers_in

pytestmark = pytest.mark.engine


def operations(rehearsal: Rehearsal, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command in the repository, with the environment in which `pulumi` finds the rehearsed stack."""
    where = ("--stack", rehearsal.stack.name, "--cwd", str(rehearsal.stack.project))
    return subprocess.run(
        [rehearsal.tools.python, "-m", "operations", words[0], *where, *words[1:]],
        cwd=REPOSITORY,
        env=rehearsal.stack.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def verify(rehearsal: Rehearsal, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    authority = folder / "authority.pem"
    authority.write_text(rehearsal.certificates.authority_pem, encoding="ascii")
    return operations(rehearsal, "verify", "--ca", str(authority), "--resolver", where(rehearsal.private_dns), *words)


def where(server: AzureDns) -> str:
    return f"{server.address}:{server.port}"


def another(value: object) -> object:
    """A value that differs from the stack's."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, list):
        return ["Basic"]
    return "Basic" if value == "Ntlm" else f"{value}.changed"


def secrets_of(rehearsal: Rehearsal) -> list[str]:
    return list(rehearsal.file.secrets.values())


def test_each_changed_setting_is_named_and_the_printed_command_corrects_only_that_server(
    deployed: Start, tmp_path: Path
) -> None:
    existing = deployed("existing", powershell=True)
    expected: dict[str, dict[str, Any]] = promised_settings("mail-domain.com")
    expected["mapi"]["IISAuthenticationMethods"] = ["Ntlm", "OAuth", "Negotiate"]
    changed = [
        ("EX-CAS16-2", service, setting, value, another(value))
        for service, settings in expected.items()
        for setting, value in settings.items()
    ]
    for server, service, setting, _, value in changed:
        existing.organisation.change(server, service, setting, value)

    done = operations(existing, "drift", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 1, done.stderr
    assert sorted(
        (row["server"].upper(), row["service"], row["setting"], row["expected"], row["actual"])
        for server in found["settings"]
        for row in server["settings"]
        if row["state"] == "different"
    ) == sorted(changed)
    assert verify(existing, tmp_path).returncode == 1

    lines = operations(existing, "drift").stdout.splitlines()
    (command,) = [line for line in lines if line.startswith("pulumi ")]
    assert command == found["heal"]
    before = len(existing.organisation.calls())
    existing.stack.run(*shlex.split(command)[1:], "--yes", "--skip-preview")
    assert servers_in(cmdlets(existing, before, "Set-")) == {"EX-CAS16-2"}

    clean = verify(existing, tmp_path)
    assert clean.returncode == 0, clean.stdout + clean.stderr
    assert "verdict: fine" in clean.stdout
    assert "stack file" not in clean.stdout
    existing.stack.change(edit_without_deploying)
    healed = operations(existing, "drift")
    assert healed.returncode == 0
    assert "heal with" not in healed.stdout
    assert NOT_DEPLOYED in healed.stdout
    printed = "".join(run.stdout + run.stderr for run in (done, clean, healed)) + "".join(lines)
    assert not any(secret in printed for secret in secrets_of(existing))


def edit_without_deploying(config: dict[str, Any]) -> None:
    """An edit that is not deployed."""
    config[f"{PROJECT}:namespace"]["clientName"], config[f"{PROJECT}:httpsPort"] = "mail", 444


NOT_DEPLOYED = (
    "shown: stack file: it differs from what is deployed: namespace.client, namespace.externalClient, dns.private, "
    "httpsPort, "
)
CANARY, SECOND, THIRD = "EX-CAS16-1", "EX-CAS16-2", "EX-CAS16-3"


def three_servers(config: dict[str, Any]) -> None:
    servers = config[SERVERS]
    servers["cas3"] = {**servers["cas1"], "computerName": THIRD.lower(), "address": "10.16.0.13"}


def test_the_printed_command_corrects_the_canary_or_several_servers_and_touches_no_other(
    deployed: Start,
) -> None:
    existing = deployed("existing", three_servers)
    for drifted in ({CANARY}, {SECOND, THIRD}):
        for server in drifted:
            existing.organisation.change(server, "owa", "InternalUrl", "https://other/owa")
        found = json.loads(operations(existing, "drift", "--json").stdout)
        before = Counter(scripts_run(existing))
        existing.stack.run(*shlex.split(found["heal"])[1:], "--yes", "--skip-preview")
        ran = Counter(scripts_run(existing)) - before
        assert set(ran) == {(server, "Set-ClientAccessNamespace") for server in drifted}, (
            "other servers are not even read"
        )
        assert operations(existing, "drift").returncode == 0


def test_verify_checks_both_zones_and_has_three_exit_codes(deployed: Start, tmp_path: Path) -> None:
    prod = deployed("prod")
    sides = ("--name-server", where(prod.public_dns))
    fine = verify(prod, tmp_path, "--json", *sides)
    result = json.loads(fine.stdout)
    assert (fine.returncode, result["verdict"]) == (0, "fine"), fine.stderr
    assert result["file"] == {"state": "fine", "detail": ""}
    assert len({row["source"] for row in result["dns"]}) == 2
    names = sorted(prod.datacentre.servers)

    prod.organisation.set_component(names[0], "EwsProxy", "Inactive", "HealthAPI")
    different = verify(prod, tmp_path, *sides)
    assert different.returncode == 1
    assert f"different: {names[0]} ews on" in different.stdout
    assert "503 Service Unavailable" in different.stdout

    prod.datacentre.servers[names[1]].silence()
    silent = verify(prod, tmp_path, *sides)
    assert silent.returncode == 2
    assert f"could not look: {names[1]} settings: no answer over SSH within 10 s" in silent.stdout
    assert "503 Service Unavailable" in silent.stdout
    assert {script for _, script in scripts_run(prod)} == {"Get-ClientAccessNamespace"}, "it only reads"
    printed = "".join(run.stdout + run.stderr for run in (fine, different, silent))
    assert not any(secret in printed for secret in secrets_of(prod))


def test_verify_logs_on_with_the_private_key(start: Start, tmp_path: Path) -> None:
    existing = start("existing")
    key = asyncssh.generate_private_key("ssh-ed25519")
    password = existing.file.secrets["operatorPassword"]
    existing.stack.set_secret("operatorPrivateKey", key.export_private_key().decode())
    existing.accounts.put(existing.file.farm.operator, password, key.export_public_key().decode())
    existing.stack.up()
    done = verify(existing, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    logons = {c.logon for server in existing.datacentre.servers.values() for c in server.ssh.connections}
    assert logons == {"key"}
    assert password not in done.stdout + done.stderr
