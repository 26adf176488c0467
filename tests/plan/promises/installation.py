"""The installation of Exchange on the servers that are created here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from components.args import FarmArgs
from components.namespace_args import DERIVED
from tests.plan.plan import RecordedPlan
from tests.plan.promises.commands import expected_access
from tests.plan.promises.reading import configured_servers, installed_servers
from tests.plan.recorder import Registration
from tests.plan.wire import MarkedSecret, strip_secrets


def installations(plan: RecordedPlan) -> dict[str, Registration]:
    """Server's key -> its command."""
    commands = plan.of_type("local:Command").items()
    return {name[4:-13]: one for name, one in commands if name.endswith("-installation")}


def exchange_is_installed_on_the_servers_created_here(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    found = installations(plan)
    if found.keys() != installed_servers(farm).keys():
        yield f"{found.keys()}"
    for key, command in found.items():
        if not re.fullmatch(r"\.venv[/\\](bin|Scripts)[/\\]python -m installation", str(command.inputs.get("create"))):
            yield f"{key} runs {command.inputs.get('create')}"
        if {"delete", "update", "environment", "triggers"} & command.inputs.keys():
            yield f"{key}: {command.inputs.keys()}"
        if not isinstance(command.inputs["stdin"], MarkedSecret):
            yield f"{key}: its standard input is in plain"
        document = read_installation(command)
        request, machine = document.pop("request"), document.pop("machineId")
        if machine != f"<vmId of cas-{key}-vm>":
            yield f"{key}: a rebuilt machine would not get Exchange: {machine}"
        if document != expected_access(farm, key):
            yield f"{key}: {document}"
        del request["prepareActiveDirectory"]
        if request != (wanted := expected_request(farm, key)):
            yield f"{key}: {request}, not {wanted}"


def read_installation(command: Registration) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(strip_secrets(command.inputs["stdin"]))
    return document


def expected_request(farm: FarmArgs, key: str) -> dict[str, Any]:
    """The document of Install-ExchangeServer.ps1 without what differs between the servers and between the calls."""
    args, uri = farm.installation, farm.namespace.services.autodiscover
    assert args is not None
    derived = f"https://{farm.namespace.autodiscover_name}.{farm.namespace.domain}/autodiscover/autodiscover.xml"
    service_uri = derived if uri.service_internal_uri is DERIVED else uri.service_internal_uri
    both = ["ClientAccess", "Mailbox"] if farm.exchange_version == "2013" else ["Mailbox"]
    return {
        "server": farm.servers[key].computer_name,
        "exchangeVersion": farm.exchange_version,
        "media": {"path": args.media.path, "url": args.media.url, "sha256": args.media.sha256},
        "roles": list(args.roles) or both,
        "organisationName": args.organisation_name,
        "targetDir": args.target_dir,
        "extendedProtection": args.extended_protection,
        "packages": {name: {"url": one.url, "sha256": one.sha256} for name, one in args.packages.items()},
        "serviceUri": service_uri if uri.enabled else None,
    }


def one_server_prepares_active_directory_if_wanted(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    found = {key: read_installation(one)["request"] for key, one in installations(plan).items()}
    preparing = [key for key, request in sorted(found.items()) if request["prepareActiveDirectory"]]
    first = farm.rollout.canary if farm.rollout.canary in found else min(found, default=None)
    if preparing != ([first] if farm.installation and farm.installation.prepare_active_directory else []):
        yield f"{preparing}"


def exchange_is_installed_before_anything_else_runs_on_a_server(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    found = installations(plan)
    for key, command in found.items():
        for earlier in (f"cas-{key}", f"cas-{key}-ssh", *plan.of_type("Zone"), *plan.of_type("VirtualNetworkLink")):
            if not plan.waits_for(command, plan.find(earlier)):
                yield f"{command.name} before {earlier}"
        for what in ("scripts", "rotation", "namespace") if key in configured_servers(farm) else ():
            if not plan.waits_for(plan.find(f"cas-{key}-{what}"), command):
                yield f"{key}: {what} before its installation"
        for name, record in plan.of_type("RecordSet").items():
            if (
                key in configured_servers(farm)
                and farm.servers[key].in_rotation
                and not plan.waits_for(record, command)
            ):
                yield f"{name} before the installation of {key}"
        for other, one in found.items():
            if other != key and plan.waits_for(command, one):
                yield f"{key} waits for the installation of {other}"
