"""Managed disks, and the data disks of a virtual machine."""

from typing import Any
from uuid import uuid4

from rehearsal.stand_ins.provider.servicer import ProviderError

from ..errors import ArmError
from ..put import Put
from ..store import Json, Resource, Store

_LUNS = range(64)
_LARGEST_GIB = 32767


def check_data_disks(put: Put) -> None:
    """A list in the request replaces the old one, and detaches disks that are not in it. Without a list disks stay.

    Microsoft: "PUT calls for creation or updates on compute resources".
    """
    before = attached_disks(put.old) if put.old else []
    requested = put.value("storageProfile.dataDisks")
    if requested is None:
        put.body["storageProfile"]["dataDisks"] = before
        return
    luns = [entry.get("lun") for entry in requested]
    if len(set(luns)) < len(luns) or not set(luns) <= set(_LUNS):
        raise ArmError(400, "InvalidParameter", f"{put.name}: each data disk needs its own LUN from 0 to 63.")
    known = {entry["lun"]: entry for entry in before}
    put.body["storageProfile"]["dataDisks"] = [
        _check_attachment(put, dict(entry), known.get(entry["lun"])) for entry in requested
    ]


def apply_disk(put: Put) -> None:
    put.require("creationData.createOption", "diskSizeGB", "location")
    if put.value("creationData.createOption") != "Empty":
        raise ProviderError(f"{put.name}: the stand-in creates empty disks only.")
    put.body["sku"] = put.value("sku") or {"name": "Standard_LRS"}
    if not 1 <= put.value("diskSizeGB") <= _LARGEST_GIB:
        raise ArmError(400, "InvalidParameter", f"{put.name}: diskSizeGB must be between 1 and {_LARGEST_GIB}.")
    if put.value("zones") and put.body["sku"]["name"].endswith("_ZRS"):
        raise ArmError(400, "InvalidParameter", f"{put.name}: a zone-redundant disk cannot have a zone.")
    put.refuse_changes("creationData", "zones")
    if put.old and put.old.body["diskSizeGB"] > put.value("diskSizeGB"):
        raise ArmError(400, "OperationNotAllowed", f"Disk {put.name} cannot shrink.")
    if put.store.referring_to(put.id):
        put.refuse_changes("sku")
    put.keep("uniqueId", str(uuid4()))


def attached_disks(machine: Resource) -> list[Json]:
    disks: list[Json] = machine.body["storageProfile"].get("dataDisks") or []
    return disks


def attach_disk(store: Store, machine: Resource, disk_id: str, lun: int) -> None:
    """As `az vm disk attach`: keeps the machine's other disks."""
    name = disk_id.rsplit("/", 1)[1]
    store.add(Resource(id=disk_id, type="", body={"id": disk_id, "name": name}))
    entry = {"lun": lun, "name": name, "createOption": "Attach", "managedDisk": {"id": disk_id}, "caching": "ReadOnly"}
    machine.body["storageProfile"]["dataDisks"] = [*attached_disks(machine), entry]
    store.add(machine)


def _check_attachment(put: Put, entry: Json, before: Json | None) -> Json:
    disk = _find_disk(put, entry)
    if put.refers_elsewhere(disk.id, "compute:VirtualMachine"):
        raise ArmError(409, "AttachDiskWhileBeingDetached", f"Disk {disk.body['name']} is attached to another VM.")
    if set(disk.body.get("zones") or []) - set(put.value("zones") or []):
        raise ArmError(400, "BadRequest", f"Disk {disk.body['name']} is not in the zone of {put.name}.")
    entry.update({"name": disk.body["name"], "managedDisk": {**(entry.get("managedDisk") or {}), "id": disk.id}})
    same = before is not None and before["managedDisk"]["id"].lower() == disk.id.lower()
    if same and before and before["createOption"] != entry["createOption"]:
        raise ArmError(409, "PropertyChangeNotAllowed", "Changing property 'dataDisk.createOption' is not allowed.")
    return entry


def _find_disk(put: Put, entry: Json) -> Resource:
    id: Any = (entry.get("managedDisk") or {}).get("id")
    if entry.get("createOption") != "Attach" or not id:
        raise ArmError(400, "InvalidParameter", f"{put.name}: a data disk needs createOption Attach and a disk's id.")
    disk = put.store.get(id)
    if disk is None:
        raise ArmError(404, "NotFound", f"{put.name}: the disk {id} was not found.")
    return disk
