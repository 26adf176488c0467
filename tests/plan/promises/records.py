"""The zones, their links and the record sets, inside and outside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from components.args import FarmArgs
from tests.plan.plan import RecordedPlan
from tests.plan.promises.reading import (
    expected_public_address,
    makes_private_zone,
    makes_public_zone,
    resource_group_name,
    rotating_servers,
    servers_created_here,
    servers_network,
)

Records = dict[tuple[str, str, str], tuple[list[str], int]]


def each_name_has_the_address_of_each_server_in_rotation(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    inside, outside = expected_records(plan, farm)
    for kind, zone, expected in (
        ("privatedns:PrivateRecordSet", "privateZoneName", inside),
        ("dns:RecordSet", "zoneName", outside),
    ):
        found: Records = {}
        for one in (one for one in plan.resources.values() if one.type == f"azure-native:{kind}"):
            inputs = one.inputs
            if inputs["recordType"] != "A":
                yield f"{one.name} holds {inputs['recordType']}"
            if one.name != f"cas-{inputs['relativeRecordSetName']}-a":
                yield f"{one.name} is not named by its label {inputs['relativeRecordSetName']}"
            addresses = [record["ipv4Address"] for record in inputs["aRecords"]]
            if one.options.get("deleteBeforeReplace") is not False:
                yield f"{one.name} would be missing while it moves to another zone"
            found[inputs[zone], inputs["relativeRecordSetName"], inputs["resourceGroupName"]] = (
                addresses,
                inputs["ttl"],
            )
        if found != expected:
            yield f"{kind}: {found}, not {expected}"


def expected_records(plan: RecordedPlan, farm: FarmArgs) -> tuple[Records, Records]:
    """(zone, label, resource group) -> addresses by key, and the TTL; inside and outside."""
    names, dns, stack = farm.namespace, farm.dns, resource_group_name(farm, plan.stack)
    servers = sorted(rotating_servers(farm).items())
    inside: Records = {}
    outside: Records = {}
    if dns.private or not dns.public:
        where = (dns.private and dns.private.existing_resource_group) or stack
        for label in (names.client_name, names.autodiscover_name):
            inside[names.domain, label, where] = ([server.address for _, server in servers], dns.ttl_seconds)
    if dns.public:
        where = dns.public.existing_resource_group or stack
        addresses = [str(expected_public_address(farm, key)) for key, _ in servers]
        for label in (names.external_client_name or names.client_name, names.autodiscover_name):
            outside[names.external_domain or names.domain, label, where] = (addresses, dns.ttl_seconds)
    return inside, outside


def zones_are_created_if_none_exists(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    for kind, key, domain, needed in (
        ("privatedns:PrivateZone", "privateZoneName", farm.namespace.domain, makes_private_zone(farm)),
        ("dns:Zone", "zoneName", farm.namespace.external_domain or farm.namespace.domain, makes_public_zone(farm)),
    ):
        found = [(one.inputs[key], one.inputs["location"]) for one in plan.of_type(kind).values()]
        if found != ([(domain, "global")] if needed else []):
            yield f"{kind}: {found}"


def the_private_zone_answers_the_networks_that_it_should(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    """The networks that the stack file names, and the machines' network if it or the zone is new."""
    private = farm.dns.private
    links = {network.rpartition("/")[2]: network for network in (private.linked_networks if private else ())}
    own = servers_network(farm)
    if own and (private or not farm.dns.public) and (makes_private_zone(farm) or not farm.network.subnet_id):
        links["servers"] = own
    where = (private and private.existing_resource_group) or resource_group_name(farm, plan.stack)
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
        for name, one in plan.of_type("VirtualNetworkLink").items()
    }
    if found != expected:
        yield f"{found}, not {expected}"
    for name, one in plan.of_type("VirtualNetworkLink").items():
        if (one.options.get("replaceOnChanges"), one.options.get("deleteBeforeReplace")) != (["virtualNetwork"], True):
            yield f"{name} would be updated to another network, which Azure refuses"
    if not servers_created_here(farm) and "cas-servers-link" in found:
        yield "a link to a network without machines"
