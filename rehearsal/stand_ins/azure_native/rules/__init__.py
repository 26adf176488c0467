"""What Azure refuses and what it adds, per resource type."""

from collections.abc import Callable

from ..put import Put
from . import addresses, compute, disks, dns, machine, network

RULES: dict[str, Callable[[Put], None]] = {
    "network:VirtualNetwork": network.virtual_network,
    "network:Subnet": network.subnet,
    "network:NetworkSecurityGroup": network.network_security_group,
    "network:NetworkInterface": addresses.network_interface,
    "network:PublicIPAddress": addresses.public_address,
    "network:NatGateway": addresses.nat_gateway,
    "compute:VirtualMachine": machine.virtual_machine,
    "compute:Disk": disks.disk,
    "compute:AvailabilitySet": compute.availability_set,
    "compute:VirtualMachineRunCommandByVirtualMachine": compute.run_command,
    "devtestlab:GlobalSchedule": compute.schedule,
    "dns:Zone": dns.zone,
    "dns:RecordSet": dns.record_set,
    "privatedns:PrivateZone": dns.private_zone,
    "privatedns:PrivateRecordSet": dns.record_set,
    "privatedns:VirtualNetworkLink": dns.virtual_network_link,
}
