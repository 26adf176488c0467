"""The rules of each resource type: what Azure refuses in a PUT, and what it fills in."""

from collections.abc import Callable

from ..put import Put
from . import addresses, compute, disks, dns, machine, network

RULES: dict[str, Callable[[Put], None]] = {
    "network:VirtualNetwork": network.check_virtual_network,
    "network:Subnet": network.check_subnet,
    "network:NetworkSecurityGroup": network.check_network_security_group,
    "network:NetworkInterface": addresses.check_network_interface,
    "network:PublicIPAddress": addresses.check_public_address,
    "network:NatGateway": addresses.check_nat_gateway,
    "compute:VirtualMachine": machine.check_virtual_machine,
    "compute:Disk": disks.check_disk,
    "compute:AvailabilitySet": compute.check_availability_set,
    "compute:VirtualMachineRunCommandByVirtualMachine": compute.check_run_command,
    "devtestlab:GlobalSchedule": compute.check_schedule,
    "dns:Zone": dns.check_zone,
    "dns:RecordSet": dns.check_record_set,
    "privatedns:PrivateZone": dns.check_private_zone,
    "privatedns:PrivateRecordSet": dns.check_record_set,
    "privatedns:VirtualNetworkLink": dns.check_virtual_network_link,
}
