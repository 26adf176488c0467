"""A Client Access Server: a virtual machine made here, or one that exists already."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_azure_native as azure

from components import powershell
from components.args import AutoShutdownArgs, ImageArgs, ServerArgs, SshArgs

# Properties of a virtual machine that Azure refuses to change: a change makes a new one.
FIXED = [
    "availabilitySet",
    "osProfile.adminUsername",
    "osProfile.computerName",
    "securityProfile",
    "storageProfile.imageReference",
    "zones",
]
# Newest Windows Server that each Exchange version supports and the marketplace offers; 2012 R2 has left it.
SKUS = {"2016": "2016-datacenter-gensecond", "2019": "2019-datacenter-gensecond", "SE": "2025-datacenter-g2"}


@dataclass(frozen=True, kw_only=True)
class Server:
    """What records and namespace need to know of a server, whoever made it."""

    key: str
    computer_name: str
    in_rotation: bool
    address: str
    public_address: pulumi.Input[str] | None
    host_key: pulumi.Input[str]
    # Differs after a rebuild: the server then gets its scripts and its namespace again.
    installation: pulumi.Input[str]
    machine: pulumi.Resource | None = None
    component: pulumi.Resource | None = None


def existing_server(key: str, args: ServerArgs) -> Server:
    """A server that exists already; a new host key is taken as a rebuild."""
    host_key = args.host_key or ""
    return Server(
        key=key,
        computer_name=args.computer_name,
        in_rotation=args.in_rotation,
        address=args.address,
        public_address=args.external_address,
        host_key=host_key,
        installation=hashlib.sha256(host_key.encode()).hexdigest()[:16],
    )


@dataclass(frozen=True, kw_only=True)
class Machines:
    """What the virtual machines of a farm have in common."""

    resource_group_name: pulumi.Input[str]
    subnet_id: pulumi.Input[str]
    security_group_id: pulumi.Input[str]
    availability_set_id: pulumi.Input[str] | None
    size: str
    exchange_version: str
    image: ImageArgs
    administrator: str
    admin_password: pulumi.Input[str] | None
    dns_servers: tuple[str, ...]
    ssh: SshArgs
    auto_shutdown: AutoShutdownArgs | None
    protect: bool
    tags: Mapping[str, str]


class ClientAccessServer(pulumi.ComponentResource):
    """Network interface, virtual machine, SSH switched on and its host key read back through Azure.

    Exchange itself is not installed here.
    """

    server: Server

    def __init__(
        self, name: str, key: str, args: ServerArgs, machines: Machines, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("exchange-cas:index:ClientAccessServer", name, None, opts)
        self._name, self._args, self._machines = name, args, machines
        public_address = self._public_address() if args.public_address else None
        machine = self._machine(self._network_interface(public_address))
        host_key = args.host_key or self._host_key(machine)
        if machines.auto_shutdown:
            self._auto_shutdown(machine, machines.auto_shutdown)
        self.server = Server(
            key=key,
            computer_name=args.computer_name,
            in_rotation=args.in_rotation,
            address=args.address,
            public_address=public_address.ip_address.apply(str) if public_address else args.external_address,
            host_key=host_key,
            installation=machine.vm_id,
            machine=machine,
            component=self,
        )
        self.register_outputs({"vmId": machine.vm_id, "hostKey": host_key})

    def _public_address(self) -> azure.network.PublicIPAddress:
        return azure.network.PublicIPAddress(
            f"{self._name}-ip",
            public_ip_address_name=f"{self._args.computer_name}-ip",
            resource_group_name=self._machines.resource_group_name,
            sku=azure.network.PublicIPAddressSkuArgs(name="Standard"),
            public_ip_allocation_method="Static",
            zones=[self._args.zone] if self._args.zone else None,
            tags=self._machines.tags,
            opts=pulumi.ResourceOptions(parent=self, protect=self._machines.protect or None),
        )

    def _network_interface(self, public: azure.network.PublicIPAddress | None) -> azure.network.NetworkInterface:
        machines = self._machines
        return azure.network.NetworkInterface(
            f"{self._name}-nic",
            network_interface_name=f"{self._args.computer_name}-nic",
            resource_group_name=machines.resource_group_name,
            ip_configurations=[
                azure.network.NetworkInterfaceIPConfigurationArgs(
                    name="server",
                    primary=True,
                    private_ip_allocation_method="Static",
                    private_ip_address=self._args.address,
                    subnet=azure.network.SubnetArgs(id=machines.subnet_id),
                    public_ip_address=azure.network.PublicIPAddressArgs(id=public.id) if public else None,
                )
            ],
            dns_settings=azure.network.NetworkInterfaceDnsSettingsArgs(dns_servers=list(machines.dns_servers))
            if machines.dns_servers
            else None,
            network_security_group=azure.network.NetworkSecurityGroupArgs(id=machines.security_group_id),
            tags=machines.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _machine(self, interface: azure.network.NetworkInterface) -> azure.compute.VirtualMachine:
        args, machines, compute = self._args, self._machines, azure.compute
        availability_set = None if args.zone else machines.availability_set_id
        return compute.VirtualMachine(
            f"{self._name}-vm",
            vm_name=args.computer_name,
            resource_group_name=machines.resource_group_name,
            hardware_profile=compute.HardwareProfileArgs(vm_size=args.size or machines.size),
            network_profile=compute.NetworkProfileArgs(
                network_interfaces=[compute.NetworkInterfaceReferenceArgs(id=interface.id, primary=True)]
            ),
            os_profile=compute.OSProfileArgs(
                computer_name=args.computer_name,
                admin_username=machines.administrator,
                admin_password=machines.admin_password,
                # Updates restart a server: take it out of rotation first, one at a time.
                windows_configuration=compute.WindowsConfigurationArgs(
                    provision_vm_agent=True,
                    enable_automatic_updates=False,
                    patch_settings=compute.PatchSettingsArgs(patch_mode="Manual"),
                ),
            ),
            storage_profile=compute.StorageProfileArgs(
                image_reference=image_reference(machines.image, machines.exchange_version),
                os_disk=compute.OSDiskArgs(
                    name=f"{args.computer_name}-os",
                    create_option="FromImage",
                    delete_option="Delete",
                    # Azure supports Exchange on Premium storage only.
                    managed_disk=compute.ManagedDiskParametersArgs(storage_account_type="Premium_LRS"),
                ),
            ),
            security_profile=trusted_launch(machines.image),
            diagnostics_profile=compute.DiagnosticsProfileArgs(
                boot_diagnostics=compute.BootDiagnosticsArgs(enabled=True)
            ),
            availability_set=compute.SubResourceArgs(id=availability_set) if availability_set is not None else None,
            zones=[args.zone] if args.zone else None,
            tags=machines.tags,
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=machines.protect or None,
                # Azure refuses a new password for a machine that exists: it is for new machines only.
                ignore_changes=["osProfile.adminPassword"],
                replace_on_changes=FIXED,
            ),
        )

    def _host_key(self, machine: azure.compute.VirtualMachine) -> pulumi.Output[str]:
        machines, ssh = self._machines, self._machines.ssh
        given = {"Port": str(ssh.port), "PackageUrl": ssh.package_url, "PackageSha256": ssh.package_sha256}
        run_command = azure.compute.VirtualMachineRunCommandByVirtualMachine(
            f"{self._name}-ssh",
            run_command_name="EnableOpenSsh",
            vm_name=machine.name,
            resource_group_name=machines.resource_group_name,
            source=azure.compute.VirtualMachineRunCommandScriptSourceArgs(script=powershell.script("Enable-OpenSsh")),
            parameters=[
                azure.compute.RunCommandInputParameterArgs(name=parameter, value=value)
                for parameter, value in given.items()
                if value
            ],
            timeout_in_seconds=1800,
            treat_failure_as_deployment_failure=True,
            tags=machines.tags,
            opts=pulumi.ResourceOptions(parent=self, deleted_with=machine),
        )
        # Azure returns what a run command printed only to a read that expands the instance view.
        view = azure.compute.get_virtual_machine_run_command_by_virtual_machine_output(
            expand="instanceView",
            resource_group_name=machines.resource_group_name,
            vm_name=machine.name,
            run_command_name=run_command.name,
            opts=pulumi.InvokeOutputOptions(parent=self),
        )
        computer_name = self._args.computer_name
        return view.apply(lambda found: powershell.host_key(computer_name, found.instance_view.output))

    def _auto_shutdown(self, machine: azure.compute.VirtualMachine, args: AutoShutdownArgs) -> None:
        azure.devtestlab.GlobalSchedule(
            f"{self._name}-shutdown",
            name=f"shutdown-computevm-{self._args.computer_name}",  # Azure takes no other name
            resource_group_name=self._machines.resource_group_name,
            status="Enabled",
            task_type="ComputeVmShutdownTask",
            daily_recurrence=azure.devtestlab.DayDetailsArgs(time=args.time),
            time_zone_id=args.time_zone,
            target_resource_id=machine.id,
            tags=self._machines.tags,
            opts=pulumi.ResourceOptions(parent=self, deleted_with=machine),
        )


def image_reference(image: ImageArgs, exchange_version: str) -> azure.compute.ImageReferenceArgs:
    if image.id:
        return azure.compute.ImageReferenceArgs(id=image.id)
    return azure.compute.ImageReferenceArgs(
        publisher=image.publisher, offer=image.offer, sku=image.sku or SKUS[exchange_version], version=image.version
    )


def trusted_launch(image: ImageArgs) -> azure.compute.SecurityProfileArgs | None:
    """Trusted Launch, where the image allows it: it needs generation 2, which a SKU's name ends with."""
    generation_2 = not image.id and (image.sku is None or image.sku.endswith(("-g2", "-gensecond")))
    if not (generation_2 if image.trusted_launch is None else image.trusted_launch):
        return None
    return azure.compute.SecurityProfileArgs(
        security_type="TrustedLaunch",
        uefi_settings=azure.compute.UefiSettingsArgs(secure_boot_enabled=True, v_tpm_enabled=True),
    )
