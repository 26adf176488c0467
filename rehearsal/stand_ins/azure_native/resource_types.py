"""The supported resource types: their paths in Azure, and which of their inputs cannot be changed in place.

`create_only` follows azure-native's metadata: path parameters (added here by `replaces_on`), the provider's own list
(provider/pkg/gen/replacement.go: locations of resource groups and virtual networks, sku, version and prefix of public
addresses), and what the REST specifications mark as create-only (`x-ms-mutability`: locations of tracked resources).
Other changes that Azure refuses make the update fail, as in Azure: see `rules`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

_GROUP = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}"


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """One resource type of azure-native 3.29.

    type: `<module>:<Class>`. path: ARM path with the parameters' SDK names. write_only: dotted paths of inputs
    that ARM never returns.
    """

    type: str
    path: str
    api_version: str
    create_only: frozenset[str] = frozenset()
    write_only: tuple[str, ...] = ()

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The path's parameters in order, without the subscription."""
        return tuple(name for name in re.findall(r"{(\w+)}", self.path) if name != "subscriptionId")

    @property
    def name_parameter(self) -> str:
        return self.parameters[-1]

    @property
    def is_child(self) -> bool:
        """Whether its parent is a resource, not a resource group."""
        return len(self.parameters) > 2

    @property
    def replaces_on(self) -> frozenset[str]:
        return self.create_only.union(self.parameters)

    def arm_type(self, parameters: Mapping[str, str]) -> str:
        """For example `Microsoft.Network/dnszones/A`."""
        if self.is_group:
            return "Microsoft.Resources/resourceGroups"
        provider = self.path.partition("/providers/")[2].format_map(dict(parameters, subscriptionId=""))
        namespace, *segments = provider.split("/")
        return "/".join([namespace, *segments[::2]])

    @property
    def is_group(self) -> bool:
        return self.path == _GROUP

    def id(self, subscription: str, parameters: Mapping[str, str]) -> str:
        return self.path.format_map({**parameters, "subscriptionId": subscription})

    def match(self, id: str) -> dict[str, str] | None:
        """The path parameters in an ARM id of this type (the subscription included), or None for another type's id."""
        match = self._pattern.fullmatch(id)
        return match.groupdict() if match else None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", self.path), re.IGNORECASE)


def _in_group(
    type: str, path: str, api_version: str, *create_only: str, write_only: tuple[str, ...] = ()
) -> ResourceType:
    return ResourceType(
        type=type,
        path=f"{_GROUP}/providers/{path}",
        api_version=api_version,
        create_only=frozenset(create_only),
        write_only=write_only,
    )


_NETWORK, _COMPUTE, _DNS, _PRIVATE_DNS = "2024-05-01", "2024-11-01", "2023-07-01-preview", "2024-06-01"
_SECURE = ("protectedParameters", "runAsPassword")

RESOURCE_TYPES: dict[str, ResourceType] = {
    entry.type: entry
    for entry in (
        ResourceType(
            type="resources:ResourceGroup", path=_GROUP, api_version="2024-03-01", create_only=frozenset({"location"})
        ),
        _in_group(
            "network:VirtualNetwork", "Microsoft.Network/virtualNetworks/{virtualNetworkName}", _NETWORK, "location"
        ),
        _in_group(
            "network:Subnet", "Microsoft.Network/virtualNetworks/{virtualNetworkName}/subnets/{subnetName}", _NETWORK
        ),
        _in_group(
            "network:NetworkSecurityGroup",
            "Microsoft.Network/networkSecurityGroups/{networkSecurityGroupName}",
            _NETWORK,
        ),
        _in_group("network:NetworkInterface", "Microsoft.Network/networkInterfaces/{networkInterfaceName}", _NETWORK),
        _in_group(
            "network:PublicIPAddress",
            "Microsoft.Network/publicIPAddresses/{publicIpAddressName}",
            _NETWORK,
            *("location", "publicIPAddressVersion", "publicIPPrefix", "sku"),
        ),
        _in_group("network:NatGateway", "Microsoft.Network/natGateways/{natGatewayName}", _NETWORK),
        _in_group(
            "compute:VirtualMachine",
            "Microsoft.Compute/virtualMachines/{vmName}",
            _COMPUTE,
            "location",
            write_only=("osProfile.adminPassword", "osProfile.customData", "userData"),
        ),
        _in_group("compute:Disk", "Microsoft.Compute/disks/{diskName}", "2024-03-02", "location"),
        _in_group(
            "compute:AvailabilitySet", "Microsoft.Compute/availabilitySets/{availabilitySetName}", _COMPUTE, "location"
        ),
        _in_group(
            "compute:VirtualMachineExtension",
            "Microsoft.Compute/virtualMachines/{vmName}/extensions/{vmExtensionName}",
            _COMPUTE,
            "location",
            write_only=("protectedSettings",),
        ),
        _in_group(
            "compute:VirtualMachineRunCommandByVirtualMachine",
            "Microsoft.Compute/virtualMachines/{vmName}/runCommands/{runCommandName}",
            _COMPUTE,
            "location",
            write_only=_SECURE,
        ),
        _in_group("dns:Zone", "Microsoft.Network/dnszones/{zoneName}", _DNS, "location"),
        _in_group("dns:RecordSet", "Microsoft.Network/dnszones/{zoneName}/{recordType}/{relativeRecordSetName}", _DNS),
        _in_group(
            "privatedns:PrivateZone", "Microsoft.Network/privateDnsZones/{privateZoneName}", _PRIVATE_DNS, "location"
        ),
        _in_group(
            "privatedns:VirtualNetworkLink",
            "Microsoft.Network/privateDnsZones/{privateZoneName}/virtualNetworkLinks/{virtualNetworkLinkName}",
            _PRIVATE_DNS,
            "location",
        ),
        _in_group(
            "privatedns:PrivateRecordSet",
            "Microsoft.Network/privateDnsZones/{privateZoneName}/{recordType}/{relativeRecordSetName}",
            _PRIVATE_DNS,
        ),
        _in_group("devtestlab:GlobalSchedule", "Microsoft.DevTestLab/schedules/{name}", "2018-09-15", "location"),
    )
}


def find_type(id: str) -> tuple[ResourceType, dict[str, str]] | None:
    """The type of an ARM id and its path parameters, or None. Links come before record sets: their ids look alike."""
    for entry in RESOURCE_TYPES.values():
        parameters = entry.match(id)
        if parameters is not None:
            return entry, parameters
    return None
