"""The rules of each resource type: each refuses what Azure refuses in a PUT, and fills in what Azure adds."""

from collections.abc import Callable

from ..put import Put
from . import addresses, compute, disks, dns, extensions, machine, network

RULES: dict[str, Callable[[Put], None]] = {
    "network:VirtualNetwork": network.apply_virtual_network,
    "network:Subnet": network.apply_subnet,
    "network:NetworkSecurityGroup": network.apply_network_security_group,
    "network:NetworkInterface": addresses.apply_network_interface,
    "network:PublicIPAddress": addresses.apply_public_address,
    "network:NatGateway": addresses.apply_nat_gateway,
    "compute:VirtualMachine": machine.apply_virtual_machine,
    "compute:Disk": disks.apply_disk,
    "compute:AvailabilitySet": compute.apply_availability_set,
    "compute:VirtualMachineExtension": extensions.apply_extension,
    "compute:VirtualMachineRunCommandByVirtualMachine": compute.apply_run_command,
    "devtestlab:GlobalSchedule": compute.apply_schedule,
    "dns:Zone": dns.apply_zone,
    "dns:RecordSet": dns.apply_record_set,
    "privatedns:PrivateZone": dns.apply_private_zone,
    "privatedns:PrivateRecordSet": dns.apply_record_set,
    "privatedns:VirtualNetworkLink": dns.apply_virtual_network_link,
}
