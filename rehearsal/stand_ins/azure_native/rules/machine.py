"""Virtual machines."""

import hashlib
import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

from ..errors import ArmError
from ..put import Put
from ..store import Resource, Store
from .addresses import check_zone_of_address, check_zones
from .disks import attached_disks, check_data_disks
from .images import check_image

_LONGEST_COMPUTER_NAME = 15
_PASSWORD_LENGTHS = range(12, 124)
_PASSWORD_CLASSES = (r"[a-z]", r"[A-Z]", r"\d", r"[\W_]")
# fmt: off
_REFUSED_USERS = frozenset({
    "1", "123", "a", "actuser", "adm", "admin", "admin1", "admin2", "administrator", "aspnet", "backup",
    "console", "david", "guest", "john", "owner", "root", "server", "sql", "support",
    "support_388945a0", "sys", "test", "test1", "test2", "test3", "user", "user1", "user2", "user3",
    "user4", "user5",
})
# fmt: on
_SIZE = re.compile(r"Standard_[A-Z]+\d+(-\d+)?[a-z]*(_[A-Z]\d+)?(_v\d+)?")
_SIZE_WITH_PREMIUM_DISKS = re.compile(r"Standard_([DG]S\d+|[A-Z]+\d+(-\d+)?[a-z]*s)(_.*)?")

# Cannot change after creation. (Azure lets disk type, interfaces and security type of a stopped machine change.)
_FIXED = (
    "osProfile",
    "storageProfile.imageReference",
    "storageProfile.osDisk.name",
    "storageProfile.osDisk.createOption",
    "storageProfile.osDisk.managedDisk.storageAccountType",
    "networkProfile.networkInterfaces",
    "availabilitySet",
    "zones",
    "securityProfile.securityType",
)


def apply_virtual_machine(put: Put) -> None:
    put.require("hardwareProfile.vmSize", "storageProfile.imageReference", "storageProfile.osDisk", "networkProfile")
    _check_size_and_disks(put)
    _check_placement(put)
    _check_interfaces(put)
    check_image(put)
    put.keep("vmId", str(uuid4()))
    put.keep("timeCreated", datetime.now(UTC).isoformat())
    _check_logon(put)
    _fill_in_os_disk(put)
    check_data_disks(put)
    _fill_in_identities(put)
    put.refuse_changes(*_FIXED)
    if put.old is None:
        _create_os_disk(put)


def find_deleted_with(resource: Resource, store: Store) -> Iterator[Resource]:
    """The disks and network interfaces with deleteOption Delete, which Azure deletes with their virtual machine."""
    if resource.type != "compute:VirtualMachine":
        return
    disk = resource.body["storageProfile"]["osDisk"]
    interfaces = resource.body["networkProfile"]["networkInterfaces"]
    disks = [(entry["managedDisk"]["id"], entry) for entry in (disk, *attached_disks(resource))]
    for id, part in [*disks, *((entry["id"], entry) for entry in interfaces)]:
        disk_or_nic = store.get(id)
        if part.get("deleteOption") == "Delete" and disk_or_nic is not None:
            yield disk_or_nic


def _check_logon(put: Put) -> None:
    put.require("osProfile.adminUsername")
    profile = put.body["osProfile"]
    profile.setdefault("computerName", put.name)
    profile.setdefault("allowExtensionOperations", True)
    profile.setdefault("secrets", [])
    _check_computer_name(profile["computerName"])
    user = profile["adminUsername"]
    if user.lower() in _REFUSED_USERS or len(user) > 20 or user.endswith("."):
        raise ArmError(400, "InvalidParameter", f"The admin username '{user}' is not allowed.")
    password = put.value("osProfile.adminPassword")
    if put.old is None:
        _check_password(password or "")
        put.hidden["passwordDigest"] = _digest(password, secrets.token_hex(16))
    else:
        put.hidden.update(put.old.hidden)
        known = put.old.hidden.get("passwordDigest")
        if password is not None and known and _digest(password, known.partition(":")[0]) != known:
            raise ArmError(
                409, "PropertyChangeNotAllowed", "Changing property 'osProfile.adminPassword' is not allowed."
            )


def _digest(password: str, salt: str) -> str:
    return f"{salt}:{hashlib.scrypt(password.encode(), salt=salt.encode(), n=1024, r=8, p=1).hex()}"


def _check_computer_name(name: str) -> None:
    if len(name) > _LONGEST_COMPUTER_NAME or name.isdecimal() or not re.fullmatch(r"[A-Za-z0-9-]+", name):
        raise ArmError(
            400,
            "InvalidParameter",
            f"Windows computer name '{name}' cannot be more than {_LONGEST_COMPUTER_NAME} characters long, be entirely "
            "numeric, or contain other characters than letters, digits and hyphens.",
        )


def _check_password(password: str) -> None:
    classes = sum(bool(re.search(pattern, password)) for pattern in _PASSWORD_CLASSES)
    if len(password) not in _PASSWORD_LENGTHS or classes < 3:
        raise ArmError(
            400,
            "InvalidParameter",
            "The supplied password must be between 12-123 characters long and must satisfy at least 3 of password "
            "complexity requirements: lower case, upper case, digit, special character.",
        )


def _check_size_and_disks(put: Put) -> None:
    size = put.value("hardwareProfile.vmSize")
    if not _SIZE.fullmatch(size):
        raise ArmError(400, "InvalidParameter", f"The value {size} provided for the VM size is not valid.")
    if put.value("storageProfile.osDisk.createOption") != "FromImage":
        raise ArmError(400, "InvalidParameter", "osDisk.createOption must be FromImage for an imageReference.")
    disks = [put.value("storageProfile.osDisk"), *(put.value("storageProfile.dataDisks") or [])]
    kinds = [(disk.get("managedDisk") or {}).get("storageAccountType", "") for disk in disks]
    if any(kind.startswith("Premium") for kind in kinds) and not _SIZE_WITH_PREMIUM_DISKS.fullmatch(size):
        raise ArmError(
            400, "InvalidParameter", f"Requested operation cannot be performed: {size} has no Premium disks."
        )


def _check_placement(put: Put) -> None:
    zones = set(put.value("zones") or [])
    check_zones(put, zones)
    if len(zones) > 1:
        raise ArmError(400, "InvalidParameter", f"{put.name}: a virtual machine is in one zone.")
    availability_set = put.store.get(put.value("availabilitySet.id") or "")
    if availability_set is None:
        return
    if zones:
        raise ArmError(
            400,
            "BadRequest",
            "Virtual Machine cannot be created because both Availability Zone and Availability Set were specified.",
        )
    if (availability_set.body.get("sku") or {}).get("name") != "Aligned":
        raise ArmError(
            409,
            "OperationNotAllowed",
            "Addition of a managed disk to a VM in a non-managed Availability Set is not "
            "supported: the availability set needs sku Aligned.",
        )


def _check_interfaces(put: Put) -> None:
    put.require("networkProfile.networkInterfaces")
    entries = put.value("networkProfile.networkInterfaces")
    if len(entries) > 1 and sum(bool(entry.get("primary")) for entry in entries) != 1:
        raise ArmError(400, "VirtualMachineMustHaveOneNetworkInterfaceAsPrimary", f"{put.name}: one must be primary.")
    for entry in entries:
        interface = put.store.get(entry.get("id", ""))
        if interface is None or interface.type != "network:NetworkInterface":
            raise ArmError(404, "NotFound", f"{put.name}: networkInterfaces needs the id of a network interface.")
        if put.refers_elsewhere(interface.id, "compute:VirtualMachine"):
            raise ArmError(400, "NicInUse", f"Network interface {interface.body['name']} is used by another VM.")
        for address in find_public_addresses(put, interface):
            check_zone_of_address(put, address, set(put.value("zones") or []))


def find_public_addresses(put: Put, interface: Resource) -> list[Resource]:
    """The public addresses of a network interface."""
    ids = [(entry.get("publicIPAddress") or {}).get("id", "") for entry in interface.body["ipConfigurations"]]
    return [address for address in map(put.store.get, ids) if address is not None]


def _fill_in_os_disk(put: Put) -> None:
    disk = put.body["storageProfile"]["osDisk"]
    before = put.old.body["storageProfile"]["osDisk"] if put.old else {}
    disk.setdefault("name", before.get("name", f"{put.name}_OsDisk_1_{uuid4().hex}"))
    disk.setdefault("osType", "Windows")
    managed = disk.setdefault("managedDisk", {})
    managed.setdefault("storageAccountType", "Standard_LRS")
    managed["id"] = f"{put.id.rpartition('/virtualMachines/')[0]}/disks/{disk['name']}"


def _create_os_disk(put: Put) -> None:
    disk = put.body["storageProfile"]["osDisk"]
    id = disk["managedDisk"]["id"]
    if put.store.get(id):
        raise ArmError(409, "ConflictingUserInput", f"Disk {disk['name']} already exists in this resource group.")
    put.store.add(Resource(id=id, type="", body={"id": id, "name": disk["name"], "location": put.body["location"]}))


def _fill_in_identities(put: Put) -> None:
    """Azure takes identities as a list and returns them as a map."""
    names = put.value("identity.userAssignedIdentities")
    if names is not None:
        put.body["identity"]["userAssignedIdentities"] = {
            name: {"clientId": str(uuid4()), "principalId": str(uuid4())} for name in names
        }
