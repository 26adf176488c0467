"""A Client Access Server: a virtual machine created here, or an existing server."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import pulumi
import pulumi_azure_native as azure

from components import powershell
from components.args import ServerArgs
from components.azure_args import AutoShutdownArgs
from components.data_disks import add_data_disks, prepare_drives
from components.domain_join import add_domain_join
from components.virtual_machine import VmDefaults, add_run_command, add_virtual_machine


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server, created here or existing, as the record sets and the namespace need it."""

    key: str
    args: ServerArgs
    public_address: pulumi.Input[str] | None
    # None if nothing connects to the server.
    host_key: pulumi.Input[str] | None
    # Changes when the server is rebuilt, which copies its scripts and sets its namespace again.
    machine_id: pulumi.Input[str]
    # None for an existing server.
    vm: pulumi.Resource | None = None
    component: pulumi.Resource | None = None


def describe_existing_server(key: str, args: ServerArgs) -> Server:
    """Its `machine_id` is a hash of the host key: a new host key counts as a rebuild."""
    host_key = args.host_key or ""
    return Server(
        key=key,
        args=args,
        public_address=args.external_address,
        host_key=host_key,
        machine_id=hashlib.sha256(host_key.encode()).hexdigest()[:16],
    )


class ClientAccessServer(pulumi.ComponentResource):
    """A network interface, a virtual machine with its data disks, its domain, SSH, and the host key from Azure.

    `components.installation` installs Exchange.
    """

    server: Server

    def __init__(
        self,
        name: str,
        args: ServerArgs,
        *,
        key: str,
        shared: VmDefaults,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("exchange-cas:index:ClientAccessServer", name, None, opts)
        self._name, self._args, self._shared = name, args, shared
        public_address = self._add_public_address() if args.public_address else None
        interface = self._add_network_interface(public_address)
        disks = add_data_disks(name, args, shared, self, had_disks=key in shared.servers_with_disks)
        vm = add_virtual_machine(name, args, shared, interface_id=interface.id, disks=disks, parent=self)
        join = self._join_domain(vm) if key in shared.joining_servers else None
        prepare_drives(name, args, shared, vm=vm, parent=self, after=join)
        run_command = self._enable_ssh(vm, join)
        host_key = args.host_key or (self._read_host_key(vm, run_command) if args.configure_namespace else None)
        if shared.auto_shutdown:
            self._add_auto_shutdown(vm, shared.auto_shutdown)
        self.server = Server(
            key=key,
            args=args,
            public_address=public_address.ip_address.apply(str) if public_address else args.external_address,
            host_key=host_key,
            machine_id=vm.vm_id,
            vm=vm,
            component=self,
        )
        self.register_outputs({"vmId": vm.vm_id, "hostKey": host_key})

    def _add_public_address(self) -> azure.network.PublicIPAddress:
        return azure.network.PublicIPAddress(
            f"{self._name}-ip",
            public_ip_address_name=f"{self._name}-ip",
            resource_group_name=self._shared.resource_group_name,
            sku=azure.network.PublicIPAddressSkuArgs(name="Standard"),
            public_ip_allocation_method="Static",
            tags=self._shared.tags,
            opts=pulumi.ResourceOptions(parent=self, protect=self._shared.protect or None),
        )

    def _add_network_interface(
        self, public_address: azure.network.PublicIPAddress | None
    ) -> azure.network.NetworkInterface:
        shared = self._shared
        return azure.network.NetworkInterface(
            f"{self._name}-nic",
            network_interface_name=f"{self._name}-nic",
            resource_group_name=shared.resource_group_name,
            ip_configurations=[
                azure.network.NetworkInterfaceIPConfigurationArgs(
                    name="server",
                    primary=True,
                    private_ip_allocation_method="Static",
                    private_ip_address=self._args.address,
                    subnet=azure.network.SubnetArgs(id=shared.subnet_id),
                    public_ip_address=azure.network.PublicIPAddressArgs(id=public_address.id)
                    if public_address
                    else None,
                )
            ],
            dns_settings=azure.network.NetworkInterfaceDnsSettingsArgs(dns_servers=list(shared.dns_servers))
            if shared.dns_servers
            else None,
            network_security_group=azure.network.NetworkSecurityGroupArgs(id=shared.security_group_id),
            tags=shared.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _join_domain(self, vm: azure.compute.VirtualMachine) -> azure.compute.VirtualMachineExtension | None:
        shared = self._shared
        if shared.domain is None or shared.domain_password is None:
            return None
        return add_domain_join(self._name, shared.domain, shared.domain_password, shared, vm=vm, parent=self)

    def _enable_ssh(
        self, vm: azure.compute.VirtualMachine, join: pulumi.Resource | None
    ) -> azure.compute.VirtualMachineRunCommandByVirtualMachine:
        """After the join: the operator's account is known when SSH is first used."""
        ssh = self._shared.ssh
        parameters = {"Port": str(ssh.port), "PackageUrl": ssh.package_url, "PackageSha256": ssh.package_sha256}
        return add_run_command(
            f"{self._name}-ssh",
            "EnableOpenSsh",
            "Enable-OpenSsh",
            parameters,
            vm=vm,
            shared=self._shared,
            parent=self,
            after=join,
        )

    def _read_host_key(
        self,
        vm: azure.compute.VirtualMachine,
        run_command: azure.compute.VirtualMachineRunCommandByVirtualMachine,
    ) -> pulumi.Output[str]:
        # Azure returns a run command's output only if the instance view is expanded.
        view = azure.compute.get_virtual_machine_run_command_by_virtual_machine_output(
            expand="instanceView",
            resource_group_name=self._shared.resource_group_name,
            vm_name=vm.name,
            run_command_name=run_command.name,
            opts=pulumi.InvokeOutputOptions(parent=self),
        )
        computer_name = self._args.computer_name
        return view.apply(
            # Despite its type, instance_view is None while the virtual machine is stopped.
            lambda result: powershell.read_reported_host_key(
                computer_name, getattr(result.instance_view, "output", None)
            )
        )

    def _add_auto_shutdown(self, vm: azure.compute.VirtualMachine, args: AutoShutdownArgs) -> None:
        azure.devtestlab.GlobalSchedule(
            f"{self._name}-shutdown",
            name=f"shutdown-computevm-{self._args.computer_name}",  # Azure accepts no other name
            resource_group_name=self._shared.resource_group_name,
            status="Enabled",
            task_type="ComputeVmShutdownTask",
            daily_recurrence=azure.devtestlab.DayDetailsArgs(time=args.time),
            time_zone_id=args.time_zone,
            target_resource_id=vm.id,
            tags=self._shared.tags,
            # No `deleted_with`: Azure keeps the schedule of a deleted machine.
            opts=pulumi.ResourceOptions(parent=self),
        )
