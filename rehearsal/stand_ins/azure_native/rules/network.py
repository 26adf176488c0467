"""Virtual networks, subnets and security groups."""

from collections import Counter
from ipaddress import IPv4Network, ip_network
from typing import Any

from rehearsal.stand_ins.provider.servicer import ProviderError

from ..errors import ArmError
from ..put import Put
from ..store import Resource

_PRIORITIES = range(100, 4097)
_SMALLEST_SUBNET = 29


def read_prefixes(resource: Resource) -> list[IPv4Network]:
    """The prefixes of a virtual network or subnet; [] for an existing one without prefixes."""
    body = resource.body
    texts = (
        body.get("addressSpace", {}).get("addressPrefixes")
        or body.get("addressPrefixes")
        or [body.get("addressPrefix")]
    )
    return [IPv4Network(text) for text in texts if text]


def apply_virtual_network(put: Put) -> None:
    put.require("addressSpace.addressPrefixes")
    if put.value("subnets"):
        raise ProviderError("subnets inside a virtual network conflict with Subnet resources: use Subnet resources")
    space = [_read_prefix(text, put.name) for text in put.value("addressSpace.addressPrefixes")]
    for subnet in put.store.of_type("network:Subnet"):
        if subnet.id.lower().startswith(f"{put.id}/".lower()):
            _check_inside(read_prefixes(subnet), space, subnet.body["name"])


def apply_subnet(put: Put) -> None:
    prefixes = put.value("addressPrefixes") or [put.value("addressPrefix")]
    if put.value("addressPrefixes") and put.value("addressPrefix"):
        raise ArmError(400, "InvalidRequestFormat", "Only one of addressPrefix and addressPrefixes may be given.")
    if prefixes == [None]:
        raise ArmError(400, "NoAddressPrefixOrPoolProvided", f"Subnet {put.name} has no address prefix.")
    own = [_read_prefix(text, put.name) for text in prefixes]
    if any(prefix.prefixlen > _SMALLEST_SUBNET for prefix in own):
        raise ArmError(400, "NetcfgSubnetRangeTooSmall", f"Subnet {put.name} is smaller than /{_SMALLEST_SUBNET}.")
    parent = put.store.get(put.parent_id)
    if parent and read_prefixes(parent):
        _check_inside(own, read_prefixes(parent), put.name)
    for sibling in put.siblings():
        if any(mine.overlaps(other) for mine in own for other in read_prefixes(sibling)):
            raise ArmError(
                400, "NetcfgSubnetRangesOverlap", f"Subnet '{put.name}' overlaps with subnet '{sibling.body['name']}'."
            )
    _refuse_changes_of_used_subnet(put, own)


def apply_network_security_group(put: Put) -> None:
    rules = put.value("securityRules") or []
    for rule in rules:
        _check_security_rule(rule)
    _check_unique(rules, lambda rule: rule["name"].lower(), "SecurityRuleDuplicateName")
    _check_unique(rules, lambda rule: (rule["direction"], rule["priority"]), "SecurityRuleConflict")


def _check_security_rule(rule: dict[str, Any]) -> None:
    name = rule.get("name")
    if not name:
        raise ArmError(400, "InvalidResourceName", "A security rule has no name.")
    if rule.get("priority") not in _PRIORITIES:
        raise ArmError(
            400,
            "SecurityRuleInvalidPriority",
            f"Security rule {name} has priority {rule.get('priority')}: it must be between 100 and 4096.",
        )
    for side in ("source", "destination"):
        _require_exactly_one(rule, f"{side}AddressPrefix", f"{side}AddressPrefixes", f"{side}ApplicationSecurityGroups")
        _require_exactly_one(rule, f"{side}PortRange", f"{side}PortRanges")
        for ports in [rule.get(f"{side}PortRange"), *rule.get(f"{side}PortRanges", [])]:
            _check_ports(ports, name)
        for prefix in [rule.get(f"{side}AddressPrefix"), *rule.get(f"{side}AddressPrefixes", [])]:
            _check_address_or_tag(prefix, name)


def _require_exactly_one(rule: dict[str, Any], *keys: str) -> None:
    present = [key for key in keys if rule.get(key)]
    if len(present) != 1:
        raise ArmError(
            400,
            "SecurityRuleParameterContainsInvalidValue",
            f"Security rule {rule['name']} needs exactly one of {', '.join(keys)}, not {len(present)}.",
        )


def _check_ports(text: str | None, rule: str) -> None:
    if text in (None, "*"):
        return
    first, _, last = str(text).partition("-")
    numbers = [int(part) for part in (first, last or first) if part.isdecimal()]
    if len(numbers) != 2 or not 0 <= numbers[0] <= numbers[1] <= 65535:
        raise ArmError(400, "SecurityRuleInvalidPortRange", f"Security rule {rule} has invalid port range: {text}.")


def _check_address_or_tag(text: str | None, rule: str) -> None:
    """A service tag (`Internet`, `AzureLoadBalancer`, `Storage.WestEurope`) is not checked."""
    if text in (None, "*") or str(text).replace(".", "").isalpha():
        return
    try:
        ip_network(str(text))
    except ValueError as error:
        raise ArmError(
            400, "SecurityRuleInvalidAddressPrefix", f"Security rule {rule} has invalid address prefix: {error}."
        ) from None


def _check_unique(rules: list[dict[str, Any]], key: Any, code: str) -> None:
    repeated = [str(value) for value, count in Counter(map(key, rules)).items() if count > 1]
    if repeated:
        raise ArmError(400, code, f"Security rules conflict: {', '.join(repeated)} occurs more than once.")


def _refuse_changes_of_used_subnet(put: Put, own: list[IPv4Network]) -> None:
    if put.old is None:
        return
    put.refuse_changes("defaultOutboundAccess")
    users = put.store.referring_to(put.id)
    if users and read_prefixes(put.old) != own:
        raise ArmError(
            400,
            "InUsePrefixCannotBeDeleted",
            f"Subnet {put.name} is in use by {users[0].id}: its prefix cannot change.",
        )


def _read_prefix(text: str, name: str) -> IPv4Network:
    try:
        return IPv4Network(text)
    except ValueError as error:
        raise ArmError(400, "InvalidAddressPrefixFormat", f"{name}: {error}.") from None


def _check_inside(own: list[IPv4Network], space: list[IPv4Network], name: str) -> None:
    for prefix in own:
        if not any(prefix.subnet_of(part) for part in space):
            raise ArmError(
                400,
                "NetcfgInvalidSubnet",
                f"Subnet '{name}' ({prefix}) is not within the virtual network's address space.",
            )
