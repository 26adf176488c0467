"""The data disks of a virtual machine: each is a separate resource, so that it outlives the machine."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pulumi
import pulumi_azure_native as azure

from components.args import ServerArgs
from components.azure_args import DataDiskArgs
from components.virtual_machine import VmDefaults, add_run_command


def add_data_disks(
    name: str, args: ServerArgs, shared: VmDefaults, parent: pulumi.Resource, *, had_disks: bool
) -> list[azure.compute.DataDiskArgs] | None:
    """The list of all data disks of a virtual machine, with those that people attached; None keeps Azure's list.

    Azure detaches each disk that a list leaves out: see docs/decisions/0016. `had_disks`: the last `up` sent a list, so
    this one must send a list, too, even an empty one: a disk must be detached before it is deleted.
    """
    if not (args.data_disks or had_disks):
        return None
    declared = [
        azure.compute.DataDiskArgs(
            lun=row.lun,
            create_option="Attach",
            # Microsoft recommends no cache for Exchange databases and their logs.
            caching=azure.compute.CachingTypes.NONE,
            delete_option="Detach",
            managed_disk=azure.compute.ManagedDiskParametersArgs(id=add_disk(name, row, args, shared, parent).id),
        )
        for row in args.data_disks
    ]
    return [*declared, *find_other_disks(name, args, shared)]


def add_disk(
    name: str, row: DataDiskArgs, args: ServerArgs, shared: VmDefaults, parent: pulumi.Resource
) -> azure.compute.Disk:
    return azure.compute.Disk(
        f"{name}-disk{row.lun}",
        disk_name=f"{name}-disk{row.lun}",
        resource_group_name=shared.resource_group_name,
        creation_data=azure.compute.CreationDataArgs(create_option="Empty"),
        disk_size_gb=row.size_gib,
        sku=azure.compute.DiskSkuArgs(name=row.sku),
        # Azure refuses a zone for a ZRS disk, which is in every zone.
        zones=[args.zone] if args.zone and row.sku.endswith("_LRS") else None,
        tags=shared.tags,
        opts=pulumi.ResourceOptions(
            parent=parent,
            # The row's `protect`, not the stack's: a deleted disk may hold mailboxes.
            protect=row.protect or None,
            replace_on_changes=["creationData", "zones"],
        ),
    )


def find_other_disks(name: str, args: ServerArgs, shared: VmDefaults) -> Iterator[azure.compute.DataDiskArgs]:
    """The disks that Azure shows and this program did not create. Raises RunError if one has a declared LUN."""
    declared = {row.lun for row in args.data_disks}
    for disk in read_attached_disks(args.computer_name, shared.group_name):
        disk_id = (disk.managed_disk.id if disk.managed_disk else None) or ""
        if re.fullmatch(rf".*/{re.escape(name)}-disk\d+", disk_id, re.IGNORECASE):
            continue
        if disk.lun in declared:
            raise pulumi.RunError(
                f"dataDisks: LUN {disk.lun} of {args.computer_name} has the disk {disk_id or disk.name}, which this "
                "run would detach. Nothing was changed. Write another LUN, or detach that disk first."
            )
        yield azure.compute.DataDiskArgs(
            lun=disk.lun,
            create_option=disk.create_option,
            caching=azure.compute.CachingTypes(disk.caching) if disk.caching else None,
            delete_option=disk.delete_option,
            managed_disk=azure.compute.ManagedDiskParametersArgs(id=disk_id),
        )


def read_attached_disks(machine: str, group: str) -> list[azure.compute.outputs.DataDiskResponse]:
    """Empty for a virtual machine that does not exist yet."""
    try:
        vm = azure.compute.get_virtual_machine(resource_group_name=group, vm_name=machine)
    except Exception as error:
        if "NotFound" in str(error):
            return []
        raise
    return list(vm.storage_profile.data_disks or []) if vm.storage_profile else []


def prepare_drives(
    name: str,
    args: ServerArgs,
    shared: VmDefaults,
    *,
    vm: azure.compute.VirtualMachine,
    parent: pulumi.Resource,
    after: pulumi.Resource | None,
) -> None:
    """Formats each empty disk that has a drive letter; a disk with volumes keeps them."""
    drives = ",".join(f"{row.lun}={row.drive}" for row in args.data_disks if row.drive)
    if drives:
        parameters = {"Drives": drives}
        add_run_command(
            f"{name}-drives",
            "PrepareDrives",
            "Initialize-DataDisk",
            parameters,
            vm=vm,
            shared=shared,
            parent=parent,
            after=after,
        )
