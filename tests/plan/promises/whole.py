"""Every resource, and the stack as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from components.args import FarmArgs
from tests.plan.plan import RecordedPlan
from tests.plan.program import GIVEN
from tests.plan.promises.reading import (
    configured_servers,
    expected_public_address,
    joined_servers,
    resource_group_name,
    servers_created_here,
)
from tests.plan.recorder import HOST_KEY_OF
from tests.plan.wire import UNKNOWN, MarkedSecret, strip_secrets

# Type -> the part of the farm that it belongs to.
FARM, NETWORK, RECORDS, NAMESPACE = "ClientAccessFarm", "Network", "NamespaceRecords", "ClientAccessNamespace"
SERVER = "ClientAccessServer"
PLACES = {
    **dict.fromkeys(("resources:ResourceGroup", "compute:AvailabilitySet"), FARM),
    **dict.fromkeys((f"index:{part}" for part in (NETWORK, RECORDS, NAMESPACE, SERVER)), FARM),
    **dict.fromkeys(
        ("network:VirtualNetwork", "network:Subnet", "network:NatGateway", "network:NetworkSecurityGroup"), NETWORK
    ),
    **dict.fromkeys(("privatedns:PrivateZone", "privatedns:VirtualNetworkLink", "dns:Zone"), RECORDS),
    **dict.fromkeys(("privatedns:PrivateRecordSet", "dns:RecordSet"), RECORDS),
    **dict.fromkeys(("remote:Command", "remote:CopyToRemote", "local:Command"), NAMESPACE),
    **dict.fromkeys(("compute:VirtualMachine", "network:NetworkInterface", "devtestlab:GlobalSchedule"), SERVER),
    "compute:VirtualMachineRunCommandByVirtualMachine": SERVER,
    "compute:Disk": SERVER,
}


def every_resource_is_placed_in_its_part_of_the_farm(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    (root,) = (one for one in plan.resources.values() if one.type.endswith(f":{FARM}"))
    for one in plan.resources.values():
        if one is root:
            continue
        owner = plan.resources.get(one.parent)
        kind = one.type.partition(":")[2]
        place = PLACES.get(kind) or (NETWORK if one.name == "cas-outbound-ip" else SERVER)
        if owner is None or not owner.type.endswith(f":{place}"):
            yield f"{one.name} belongs to {owner and owner.name}, not to the {place}"
        elif place == SERVER and not one.name.startswith(f"{owner.name}-"):
            yield f"{one.name} belongs to {owner.name}"
    if plan.of_type(SERVER).keys() != {f"cas-{key}" for key in servers_created_here(farm)}:
        yield f"servers {plan.of_type(SERVER).keys()}"


def no_secret_is_in_plain(plan: RecordedPlan, _: FarmArgs) -> Iterator[str]:
    shown: dict[str, Any] = {
        f"{plan.label(urn)}.{part}": getattr(one, part)
        for urn, one in plan.resources.items()
        for part in ("inputs", "options")
    }
    shown |= {"outputs": plan.outputs, "calls": [dict(call.arguments) for call in plan.calls]}
    shown |= {f"outputs of {urn}": found for urn, found in plan.component_outputs.items()}
    shown |= {"log": [*plan.log.debug, *plan.log.warnings, *plan.log.errors]}
    for where, value in shown.items():
        for path, text in plain_texts(value, where):
            yield from (f"{path} shows {name}" for name, secret in GIVEN.items() if secret in text)


def plain_texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every text that is not part of a secret, with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from plain_texts(part, f"{path}.{key}")
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from plain_texts(part, f"{path}[{index}]")


def every_value(value: Any) -> Iterator[Any]:
    if isinstance(value, MarkedSecret):
        yield from every_value(value.value)
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from every_value(part)
    elif isinstance(value, list):
        for part in value:
            yield from every_value(part)
    else:
        yield value


def nothing_is_unknown(plan: RecordedPlan, _: FarmArgs) -> Iterator[str]:
    """During an update every value is known."""
    for one in plan.resources.values():
        if any(value is UNKNOWN for value in every_value(dict(one.inputs))):
            yield f"{one.name} has inputs that stay unknown"
    if any(value is UNKNOWN for value in every_value(dict(plan.outputs))):
        yield "outputs that stay unknown"


def each_resource_waits_for_the_ids_in_its_inputs(plan: RecordedPlan, _: FarmArgs) -> Iterator[str]:
    for one in plan.resources.values():
        for value in every_value(dict(one.inputs)):
            for name in re.findall(r"<\w+ of (cas[\w-]*)>", str(value)):
                if not plan.waits_for(one, plan.find(name)):
                    yield f"{one.name} does not wait for {name}"


def no_alias_has_an_api_version(plan: RecordedPlan, _: FarmArgs) -> Iterator[str]:
    """These cost time and are in no state. An alias of a former module stays: older states know the resource by it."""
    for one in plan.resources.values():
        if [alias for alias in one.options.get("aliases", []) if re.search(r"/v\d", alias)]:
            yield f"{one.name}: {one.options['aliases']}"
        if one.type.partition(":")[2].startswith(("privatedns:", "dns:")) and not one.options.get("aliases"):
            yield f"{one.name} has lost the alias of its former module"


def outputs_hold_what_operations_need(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    names, outputs = farm.namespace, strip_secrets(dict(plan.outputs))
    outside = names.external_domain or names.domain
    every = {
        f"{names.client_name}.{names.domain}",
        f"{names.autodiscover_name}.{names.domain}",
        f"{names.external_client_name or names.client_name}.{outside}",
        f"{names.autodiscover_name}.{outside}",
    }
    if outputs["names"] != sorted(every):
        yield f"{outputs['names']}"
    yield from outputs_hold_names_zones_and_ports(outputs, farm)
    network, private, public = farm.network, farm.dns.private, farm.dns.public
    zones = (private and private.existing_resource_group, public and public.existing_resource_group)
    if outputs["azure"] != {
        "subnetId": (network.subnet_id or "<id of cas-subnet>") if servers_created_here(farm) else None,
        "subnetPrefix": network.subnet_prefix if servers_created_here(farm) and not network.subnet_id else None,
        "linkedNetworks": list(private.linked_networks) if private else [],
        "resourceGroups": sorted({resource_group_name(farm, plan.stack), *(zone for zone in zones if zone)}),
    }:
        yield f"{outputs['azure']}"
    if outputs["servers"].keys() != farm.servers.keys():
        yield f"{outputs['servers'].keys()}"
    for key, server in farm.servers.items():
        found = dict(outputs["servers"][key])
        if not re.fullmatch(r"C:/ProgramData/ExchangeCas/[^/]+/[0-9a-f]{8}/", found.pop("scripts")):
            yield f"{key}: {outputs['servers'][key]['scripts']}"
        wanted: dict[str, Any] = {
            "computerName": server.computer_name,
            "address": server.address,
            "publicAddress": expected_public_address(farm, key),
            "hostKey": expected_host_key(farm, key),
            "inRotation": server.in_rotation,
        }
        if rows := [{"lun": row.lun, "sizeGib": row.size_gib, "sku": row.sku} for row in server.data_disks]:
            wanted |= {"dataDisks": rows}
        if farm.domain and key in joined_servers(farm):
            wanted |= {"domain": farm.domain.name}
        if key in configured_servers(farm):
            wanted |= {"lastChanges": {}, "namespaceUrn": plan.find(f"cas-{key}-namespace").urn}
            if farm.certificate is not None or farm.certificate_pfx is not None:
                # What the recorder's server reports, in plain.
                wanted |= {"certificate": {"thumbprint": "AB" * 20, "notAfter": "2027-01-31T00:00:00Z"}}
        if found != wanted:
            yield f"{key}: {found}, not {wanted}"
    (component,) = (found for urn, found in plan.component_outputs.items() if plan.resources[urn].type.endswith(FARM))
    if strip_secrets(component) != {"names": outputs["names"], "servers": outputs["servers"]}:
        yield f"the farm's own outputs: {component}"


def outputs_hold_names_zones_and_ports(outputs: Mapping[str, Any], farm: FarmArgs) -> Iterator[str]:
    """Names, zones, ports and hosts, without secrets."""
    names, jump = farm.namespace, farm.ssh.jump_host
    outside = names.external_domain or names.domain
    owa, autodiscover = f"{names.client_name}.{names.domain}", f"{names.autodiscover_name}.{names.domain}"
    external_owa = f"{names.external_client_name or names.client_name}.{outside}"
    external_autodiscover = f"{names.autodiscover_name}.{outside}"
    wanted = {
        "namespace": {
            "client": owa,
            "autodiscover": autodiscover,
            "externalClient": external_owa,
            "externalAutodiscover": external_autodiscover,
        },
        "dns": {
            "ttlSeconds": farm.dns.ttl_seconds,
            "private": sorted([owa, autodiscover]) if farm.dns.private or not farm.dns.public else [],
            "public": sorted([external_owa, external_autodiscover]) if farm.dns.public else [],
        },
        "exchangeVersion": farm.exchange_version,
        "httpsPort": farm.https_port,
        "ssh": {
            "port": farm.ssh.port,
            "address": farm.ssh.address,
            "jumpHost": {"host": jump.host, "port": jump.port, "user": jump.user, "hostKey": jump.host_key}
            if jump
            else None,
        },
    }
    found = {key: value for key, value in outputs.items() if key not in ("names", "settings", "servers", "azure")}
    if found != wanted:
        yield f"{found}, not {wanted}"


def expected_host_key(farm: FarmArgs, key: str) -> str | None:
    """None if nothing connects to a machine created here."""
    server = farm.servers[key]
    return server.host_key or (f"<host key of {server.computer_name}>" if server.configure_namespace else None)


def azure_is_asked_for_host_keys_that_are_needed_and_not_pinned(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    calls = [call for call in plan.calls if call.token == HOST_KEY_OF]
    asked = sorted(str(call.arguments["vmName"]) for call in calls)
    wanted = [
        one.computer_name for one in servers_created_here(farm).values() if one.configure_namespace and not one.host_key
    ]
    if asked != sorted(wanted):
        yield f"asked for {asked}"
    for call in calls:
        # Azure returns the output only if it is asked for.
        if (call.arguments["expand"], call.arguments["runCommandName"]) != ("instanceView", "EnableOpenSsh"):
            yield f"{call}"
