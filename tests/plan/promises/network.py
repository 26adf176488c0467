"""Where machines created here are attached, and who reaches them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from components.args import FarmArgs
from tests.plan.plan import RecordedPlan
from tests.plan.promises.reading import existing_servers, servers_created_here


def each_interface_has_the_address_and_the_security_group(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    for key, server in servers_created_here(farm).items():
        inputs = plan.find(f"cas-{key}-nic").inputs
        (one,) = inputs["ipConfigurations"]
        if inputs.get("networkSecurityGroup") != {"id": "<id of cas-security-group>"}:
            yield f"{key} is behind {inputs.get('networkSecurityGroup')}"
        if (one["privateIPAddress"], one["privateIPAllocationMethod"]) != (server.address, "Static"):
            yield f"{key} has the address {one['privateIPAddress']}"
        if one["subnet"]["id"] != (farm.network.subnet_id or "<id of cas-subnet>"):
            yield f"{key} is in {one['subnet']['id']}"
        public = {"id": f"<id of cas-{key}-ip>"} if server.public_address else None
        if one.get("publicIPAddress") != public or one["primary"] is not True:
            yield f"{key} has the public address {one.get('publicIPAddress')}"
        if inputs.get("dnsSettings", {}).get("dnsServers", []) != list(farm.network.dns_servers):
            yield f"{key} asks {inputs.get('dnsSettings')}"


def public_addresses_have_the_sku_that_azure_still_creates(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    found = plan.of_type("PublicIPAddress")
    wanted = {f"cas-{key}-ip" for key, server in servers_created_here(farm).items() if server.public_address}
    if found.keys() - {"cas-outbound-ip"} != wanted:
        yield f"{found.keys()}"
    for name, one in {**found, **plan.of_type("NatGateway")}.items():
        if one.inputs["sku"] != {"name": "Standard"}:
            yield f"{name}: {one.inputs['sku']}"
    for name, one in found.items():
        if one.inputs.get("publicIPAllocationMethod") != "Static":
            yield f"{name} may change"


def a_network_is_created_if_none_is_named(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    given = farm.network
    networks, subnets, gateways = plan.of_type("VirtualNetwork"), plan.of_type("Subnet"), plan.of_type("NatGateway")
    if not servers_created_here(farm) or given.subnet_id:
        if networks or subnets or gateways:
            yield "a network that was not asked for"
        return
    (network,), (subnet,) = networks.values(), subnets.values()
    if network.inputs["addressSpace"] != {"addressPrefixes": [given.address_space]}:
        yield f"the network has {network.inputs['addressSpace']}"
    if subnet.inputs["addressPrefix"] != given.subnet_prefix or subnet.inputs["virtualNetworkName"] != "cas-network":
        yield f"the subnet has {subnet.inputs['addressPrefix']}"
    if subnet.inputs["defaultOutboundAccess"] is not False:
        yield "relies on default outbound access, which Azure is retiring"
    if subnet.inputs.get("natGateway") != ({"id": "<id of cas-outbound>"} if given.nat_gateway else None):
        yield f"the NAT gateway is {subnet.inputs.get('natGateway')}"
    outbound = [one.inputs["publicIpAddresses"] for one in gateways.values()]
    if outbound != ([[{"id": "<id of cas-outbound-ip>"}]] if given.nat_gateway else []):
        yield f"the NAT gateway has {outbound}"


def the_security_group_allows_the_named_sources_only(plan: RecordedPlan, farm: FarmArgs) -> Iterator[str]:
    groups = plan.of_type("NetworkSecurityGroup")
    if len(groups) != bool(servers_created_here(farm)):
        yield f"{len(groups)} security groups"
    given, ssh = farm.network, farm.ssh.port
    servers = [given.subnet_prefix, *(server.address for server in existing_servers(farm).values())]
    for one in groups.values():
        rules = one.inputs["securityRules"]
        for key in ("name", "priority"):
            if len({rule[key] for rule in rules}) != len(rules):
                yield f"two rules have the same {key}"
        if any(rule["direction"] != "Inbound" for rule in rules):
            yield "a rule is not inbound"
        for source in {*servers, *given.trusted_sources, *given.client_sources, *given.admin_sources, "elsewhere"}:
            everywhere = source in servers or source in given.trusted_sources
            for port in {ssh, *given.client_ports, 59999}:
                wanted = (
                    everywhere
                    or (source in given.client_sources and port in given.client_ports)
                    or (source in given.admin_sources and port == ssh)
                )
                # Without a rule, Azure's default rules apply: they allow the virtual network and deny the Internet.
                expected = "Allow" if wanted else "Deny" if port in (ssh, *given.client_ports) else None
                if (met := decide_access(rules, source, port, "Tcp")) != expected:
                    yield f"{source} to port {port}: {met}, not {expected}"
            if (met := decide_access(rules, source, 59999, "Udp")) != ("Allow" if everywhere else None):
                yield f"{source} over UDP: {met}"


def decide_access(rules: list[Mapping[str, Any]], source: str, port: int, protocol: str) -> str | None:
    """The access that the first matching rule gives; None without one. Rules name sources as the stack file does."""
    for rule in sorted(rules, key=lambda rule: int(rule["priority"])):
        ports = {rule.get("destinationPortRange"), *rule.get("destinationPortRanges", [])}
        meant = rule["sourceAddressPrefix"] in ("*", source) and rule["protocol"] in ("*", protocol)
        if meant and ports & {"*", str(port)} and rule["destinationAddressPrefix"] == rule["sourcePortRange"] == "*":
            return str(rule["access"])
    return None
