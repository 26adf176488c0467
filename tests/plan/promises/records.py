"""What clients are told by DNS, inside and outside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from components.args import FarmArgs
from tests.plan.plan import Plan
from tests.plan.promises.reading import (
    group,
    made,
    makes_private_zone,
    makes_public_zone,
    own_network,
    public_address,
    rotating,
)

Names = dict[tuple[str, str, str], tuple[list[str], int]]


def each_name_has_the_address_of_each_server_in_rotation(plan: Plan, farm: FarmArgs) -> Iterator[str]:
    inside, outside = wanted(plan, farm)
    for kind, zone, expected in (
        ("privatedns:PrivateRecordSet", "privateZoneName", inside),
        ("dns:RecordSet", "zoneName", outside),
    ):
        found: Names = {}
        for one in (one for one in plan.resources.values() if one.type == f"azure-native:{kind}"):
            told = one.inputs
            if told["recordType"] != "A":
                yield f"{one.name} holds {told['recordType']}"
            if one.name != f"cas-{told['relativeRecordSetName']}-a":
                yield f"{one.name} is not named by its label {told['relativeRecordSetName']}"
            addresses = [record["ipv4Address"] for record in told["aRecords"]]
            if one.options.get("deleteBeforeReplace") is not False:
                yield f"{one.name} would be missing while it moves to another zone"
            found[told[zone], told["relativeRecordSetName"], told["resourceGroupName"]] = (addresses, told["ttl"])
        if found != expected:
            yield f"{kind}: {found}, not {expected}"


def wanted(plan: Plan, farm: FarmArgs) -> tuple[Names, Names]:
    """(zone, label, resource group) -> addresses by key, and the TTL; inside and outside."""
    names, dns, stack = farm.namespace, farm.dns, group(farm, plan.stack)
    servers = sorted(rotating(farm).items())
    inside: Names = {}
    outside: Names = {}
    if dns.private or not dns.public:
        where = (dns.private and dns.private.existing_resource_group) or stack
        for label in (names.client_name, names.autodiscover_name):
            inside[names.domain, label, where] = ([server.address for _, server in servers], dns.ttl_seconds)
    if dns.public:
        where = dns.public.existing_resource_group or stack
        addresses = [str(public_address(farm, key)) for key, _ in servers]
        for label in (names.external_client_name or names.client_name, names.autodiscover_name):
            outside[names.external_domain or names.domain, label, where] = (addresses, dns.ttl_seconds)
    return inside, outside


def zones_are_made_where_none_exists(plan: Plan, farm: FarmArgs) -> Iterator[str]:
    for kind, key, domain, needed in (
        ("privatedns:PrivateZone", "privateZoneName", farm.namespace.domain, makes_private_zone(farm)),
        ("dns:Zone", "zoneName", farm.namespace.external_domain or farm.namespace.domain, makes_public_zone(farm)),
    ):
        found = [(one.inputs[key], one.inputs["location"]) for one in plan.of(kind).values()]
        if found != ([(domain, "global")] if needed else []):
            yield f"{kind}: {found}"


def the_private_zone_answers_the_networks_that_it_should(plan: Plan, farm: FarmArgs) -> Iterator[str]:
    """The networks that are named; the machines' own, where the zone or the network is new."""
    private = farm.dns.private
    links = {network.rpartition("/")[2]: network for network in (private.linked_networks if private else ())}
    own = own_network(farm)
    if own and (private or not farm.dns.public) and (makes_private_zone(farm) or not farm.network.subnet_id):
        links["servers"] = own
    where = (private and private.existing_resource_group) or group(farm, plan.stack)
    expected: dict[str, dict[str, Any]] = {
        f"cas-{name}-link": {
            "virtualNetworkLinkName": f"{plan.stack}-{name}",
            "privateZoneName": farm.namespace.domain,
            "resourceGroupName": where,
            "location": "global",
            "registrationEnabled": False,
            "virtualNetwork": {"id": network},
        }
        for name, network in links.items()
    }
    found = {
        name: {key: value for key, value in one.inputs.items() if key != "tags"}
        for name, one in plan.of("VirtualNetworkLink").items()
    }
    if found != expected:
        yield f"{found}, not {expected}"
    for name, one in plan.of("VirtualNetworkLink").items():
        if (one.options.get("replaceOnChanges"), one.options.get("deleteBeforeReplace")) != (["virtualNetwork"], True):
            yield f"{name} would be given another network, which Azure refuses"
    if not made(farm) and "cas-servers-link" in found:
        yield "a link to a network of no machine"
