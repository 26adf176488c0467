"""Network interfaces, public addresses and NAT gateways, and which addresses they get."""

from ipaddress import IPv4Address, IPv4Network
from uuid import uuid4

from rehearsal.stand_ins.provider.servicer import ProviderError

from ..errors import ArmError
from ..put import Put
from ..store import Json, Resource, Store
from .network import read_prefixes

# On loopback, so that a rehearsal can serve these addresses.
_PUBLIC_POOL = IPv4Network("127.200.0.0/16")
_RESERVED_AT_START = 4
_ZONES = {"1", "2", "3"}


def apply_network_interface(put: Put) -> None:
    put.require("ipConfigurations")
    configurations = put.body["ipConfigurations"] = [dict(entry) for entry in put.value("ipConfigurations")]
    names = [entry.get("name", "").lower() for entry in configurations]
    if "" in names or len(set(names)) < len(names):
        raise ArmError(400, "InvalidRequestFormat", f"{put.name}: each IP configuration needs a unique name.")
    if len(configurations) > 1 and sum(bool(entry.get("primary")) for entry in configurations) != 1:
        raise ArmError(400, "MultipleOrNoPrimaryIpConfigurations", f"{put.name}: one IP configuration must be primary.")
    for entry in configurations:
        _check_ip_configuration(put, entry)
    _refuse_another_network(put)
    put.keep("macAddress", "00-0D-3A-" + "-".join(uuid4().hex[:6].upper()[i : i + 2] for i in (0, 2, 4)))
    put.body.update({"primary": True, "enableIPForwarding": bool(put.value("enableIPForwarding"))})


def apply_public_address(put: Put) -> None:
    if put.value("sku.name") not in ("Standard", "StandardV2"):
        raise ArmError(400, "PublicIpSkuRetired", f"{put.name}: Basic public addresses are retired; set sku Standard.")
    if put.value("publicIPAllocationMethod") != "Static":
        raise ArmError(
            400, "StandardSkuPublicIPAddressesMustUseStaticAllocation", f"{put.name}: Standard needs allocation Static."
        )
    if put.value("publicIPAddressVersion") not in (None, "IPv4"):
        raise ProviderError(f"{put.name}: the stand-in has IPv4 addresses only.")
    check_zones(put, set(put.value("zones") or []))
    put.refuse_changes("zones")
    put.body.setdefault("publicIPAddressVersion", "IPv4")
    put.body.setdefault("idleTimeoutInMinutes", 4)
    put.keep("ipAddress", _choose_public_address(put.store))


def apply_nat_gateway(put: Put) -> None:
    if put.value("sku.name") not in ("Standard", "StandardV2"):
        raise ArmError(400, "NatGatewaySkuNotSupported", f"{put.name}: set sku Standard.")
    zones = set(put.value("zones") or [])
    check_zones(put, zones)
    put.refuse_changes("zones", "sku")
    if len(zones) > 1 and put.value("sku.name") == "Standard":
        raise ArmError(
            400, "NatGatewayMultipleZonesNotSupported", f"{put.name}: a Standard NAT gateway is in one zone."
        )
    for address in put.value("publicIpAddresses") or []:
        public_address = put.store.get(address["id"])
        if public_address is not None:
            refuse_second_use(put, public_address)
            check_zone_of_address(put, public_address, zones)


def check_zones(put: Put, zones: set[str]) -> None:
    if not zones <= _ZONES:
        raise ArmError(
            400, "InvalidAvailabilityZone", f"{put.name}: no such zone: {', '.join(sorted(zones - _ZONES))}."
        )


def check_zone_of_address(put: Put, address: Resource, zones: set[str]) -> None:
    """A zonal resource accepts a public address in its zone or in all zones."""
    address_zones = set(address.body.get("zones") or [])
    if zones and address_zones and not zones <= address_zones:
        raise ArmError(
            400, "ResourceZonesMismatch", f"{put.name} is in zone {', '.join(zones)}, {address.body['name']} is not."
        )


def refuse_second_use(put: Put, address: Resource) -> None:
    if any(put.refers_elsewhere(address.id, token) for token in ("network:NetworkInterface", "network:NatGateway")):
        raise ArmError(
            400, "PublicIPAddressInUse", f"Public address {address.body['name']} is used by another resource already."
        )


def _refuse_another_network(put: Put) -> None:
    """A network interface may move to another subnet, not to another virtual network."""
    before = {_virtual_network_id(entry) for entry in (put.old.body["ipConfigurations"] if put.old else [])}
    if before and {_virtual_network_id(entry) for entry in put.body["ipConfigurations"]} != before:
        raise ArmError(
            400,
            "SubnetsNotInSameVnet",
            f"Network interface {put.name} cannot be moved to another virtual network than {', '.join(before)}.",
        )


def _virtual_network_id(entry: Json) -> str:
    return str(entry["subnet"]["id"]).lower().rpartition("/subnets/")[0]


def _check_ip_configuration(put: Put, entry: Json) -> None:
    subnet = put.store.get((entry.get("subnet") or {}).get("id", ""))
    if subnet is None:
        raise ArmError(400, "MissingSubnet", f"{put.name}/{entry['name']}: an IP configuration needs a subnet's id.")
    public = put.store.get((entry.get("publicIPAddress") or {}).get("id", ""))
    if public is not None:
        refuse_second_use(put, public)
    static = entry.get("privateIPAllocationMethod") == "Static"
    if static:
        _check_static_address(put, entry, subnet)
    else:  # with dynamic allocation, the default, Azure ignores a given address
        entry["privateIPAddress"] = _choose_dynamic_address(put, entry, subnet)
    entry.update(
        {
            "id": f"{put.id}/ipConfigurations/{entry['name']}",
            "privateIPAllocationMethod": "Static" if static else "Dynamic",
            "privateIPAddressVersion": entry.get("privateIPAddressVersion", "IPv4"),
            "primary": entry.get("primary", len(put.inputs["ipConfigurations"]) == 1),
            "provisioningState": "Succeeded",
        }
    )


def _check_static_address(put: Put, entry: Json, subnet: Resource) -> None:
    try:
        address = IPv4Address(entry.get("privateIPAddress", ""))
    except ValueError:
        raise ArmError(
            400, "InvalidIPAddress", f"{put.name}/{entry['name']}: static allocation needs an address."
        ) from None
    ranges = read_prefixes(subnet)
    prefix = next((network for network in ranges if address in network), None)
    if prefix is None:
        raise ArmError(
            400, "PrivateIPAddressNotInSubnet", f"{address} is not in the range of subnet {subnet.body['name']}."
        )
    if address in _reserved_addresses(prefix):
        raise ArmError(400, "PrivateIPAddressInReservedRange", f"{address} is reserved by Azure in {prefix}.")
    if str(address) in _taken_addresses(put, subnet):
        raise ArmError(400, "PrivateIPAddressInUse", f"{address} is taken by another network interface.")


def _choose_dynamic_address(put: Put, entry: Json, subnet: Resource) -> str:
    taken = _taken_addresses(put, subnet)
    kept = [
        before["privateIPAddress"]
        for before in (put.old.body["ipConfigurations"] if put.old else [])
        if before["name"] == entry["name"] and before["subnet"]["id"].lower() == subnet.id.lower()
    ]
    free = (
        str(address)
        for network in read_prefixes(subnet)
        for address in network.hosts()
        if address not in _reserved_addresses(network) and str(address) not in taken
    )
    address = next(iter(kept), None) or next(free, None)
    if address is None:
        raise ArmError(400, "SubnetIsFull", f"Subnet {subnet.body['name']} has no free address.")
    return address


def _reserved_addresses(network: IPv4Network) -> set[IPv4Address]:
    """The five that Azure reserves: network, gateway, two for DNS, broadcast."""
    return {network[index] for index in range(_RESERVED_AT_START)} | {network[-1]}


def _taken_addresses(put: Put, subnet: Resource) -> set[str]:
    others = (entry for entry in put.store.referring_to(subnet.id) if entry.id.lower() != put.id.lower())
    own = (entry for entry in put.body["ipConfigurations"] if "id" in entry)
    configurations = [item for entry in others for item in entry.body.get("ipConfigurations", [])] + list(own)
    return {item["privateIPAddress"] for item in configurations}


def _choose_public_address(store: Store) -> str:
    taken = {entry.body.get("ipAddress") for entry in store.of_type("network:PublicIPAddress")}
    return next(str(address) for address in _PUBLIC_POOL.hosts() if str(address) not in taken)
