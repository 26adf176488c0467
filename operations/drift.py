"""What servers hold that the stack does not say, read as an operator would: over SSH, by the read-only script."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import asyncssh

from components import powershell
from operations.comparison import same


class Difference(NamedTuple):
    server: str
    setting: str
    expected: object
    actual: object


async def differences(
    server: Mapping[str, Any],
    settings: Mapping[str, Any],
    *,
    port: int,
    user: str,
    password: str,
    exchange_version: str,
) -> list[Difference]:
    """The differences of one server; `server` and `settings` are as the stack's outputs have them.

    Raises asyncssh.Error where it cannot be reached, RuntimeError with the script's own words where that fails.
    """
    document = powershell.namespace_document(
        server=server["computerName"], exchange_version=exchange_version, recycle_app_pools=False, settings=settings
    )
    async with asyncssh.connect(
        server["address"],
        port=port,
        username=user,
        password=password,
        known_hosts=asyncssh.import_known_hosts(f"[{server['address']}]:{port} {server['hostKey']}\n"),
        client_keys=None,
        config=None,
    ) as connection:
        answer = await connection.run(
            powershell.run_file(server["scripts"], "Get-ClientAccessNamespace"), input=document
        )
    if answer.exit_status != 0:
        said = str(answer.stderr)
        raise RuntimeError(f"{server['computerName']}: {said}")
    held = json.loads(str(answer.stdout))["settings"]
    return [
        Difference(server["computerName"], f"{service}.{name}", expected, held.get(service, {}).get(name))
        for service, expectations in settings.items()
        for name, expected in expectations.items()
        if not same(expected, held.get(service, {}).get(name))
    ]
