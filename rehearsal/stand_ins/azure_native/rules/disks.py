"""The data disks of a virtual machine."""

from typing import Any

from ..errors import ArmError
from ..put import Put
from ..store import Resource, Store
from ..wire import Json

_LUNS = range(64)
_NEVER_CHANGED = ("name", "createOption")


def data_disks(put: Put) -> None:
    """A list that is given is the whole list: what it leaves out is detached. A list that is left out stays as it is.

    Microsoft: "PUT calls for creation or updates on compute resources".
    """
    before = attached(put.old) if put.old else []
    given = put.value("storageProfile.dataDisks")
    if given is None:
        put.body["storageProfile"]["dataDisks"] = before
        return
    luns = [entry.get("lun") for entry in given]
    if len(set(luns)) < len(luns) or not set(luns) <= set(_LUNS):
        raise ArmError(400, "InvalidParameter", f"{put.name}: each data disk needs a LUN of its own from 0 to 63.")
    known = {entry["lun"]: entry for entry in before}
    put.body["storageProfile"]["dataDisks"] = [_attached(put, dict(entry), known.get(entry["lun"])) for entry in given]


def attached(machine: Resource) -> list[Json]:
    found: list[Json] = machine.body["storageProfile"].get("dataDisks") or []
    return found


def attach(store: Store, machine: Resource, disk_id: str, lun: int) -> None:
    """As `az vm disk attach` does: the machine's other disks stay."""
    store.add(Resource(id=disk_id, type="", body={"id": disk_id, "name": disk_id.rsplit("/", 1)[1]}))
    entry = {"lun": lun, "name": disk_id.rsplit("/", 1)[1], "createOption": "Attach", "managedDisk": {"id": disk_id}}
    machine.body["storageProfile"]["dataDisks"] = [*attached(machine), entry]
    store.add(machine)


def _attached(put: Put, entry: Json, before: Json | None) -> Json:
    disk = _disk(put, entry)
    if put.refers_elsewhere(disk.id, "compute:VirtualMachine"):
        raise ArmError(409, "AttachDiskWhileBeingDetached", f"Disk {disk.body['name']} is attached to another VM.")
    entry.update({"name": disk.body["name"], "managedDisk": {**(entry.get("managedDisk") or {}), "id": disk.id}})
    if before and before["managedDisk"]["id"].lower() == disk.id.lower():
        for key in _NEVER_CHANGED:
            if before[key] != entry[key]:
                raise ArmError(409, "PropertyChangeNotAllowed", f"Changing property 'dataDisk.{key}' is not allowed.")
    return entry


def _disk(put: Put, entry: Json) -> Resource:
    id: Any = (entry.get("managedDisk") or {}).get("id")
    if entry.get("createOption") != "Attach" or not id:
        raise ArmError(400, "InvalidParameter", f"{put.name}: a data disk needs createOption Attach and a disk's id.")
    disk = put.store.get(id)
    if disk is None:
        raise ArmError(404, "NotFound", f"{put.name}: the disk {id} was not found.")
    return disk
