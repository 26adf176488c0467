"""The Azure subscription: its resources, and what Azure Resource Manager checks for all types."""

import copy
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rehearsal.stand_ins.dns import RecordSet

from .errors import ArmError
from .payloads import build_put_answer, select_outputs
from .put import Put
from .resource_types import ResourceType, find_type
from .rules import RULES
from .rules.disks import attach_disk
from .rules.dns import RECORD_SET_TYPES, read_record_set
from .rules.machine import find_deleted_with
from .schema import read_schema
from .store import Json, Resource, Store, find_references, normalise_location

SUBSCRIPTION_ID = "00000000-0000-4000-8000-000000000000"

# Errors when a used resource is deleted; the network provider answers 400, not 409.
_IN_USE = {
    "network:Subnet": (400, "InUseSubnetCannotBeDeleted"),
    "network:NetworkSecurityGroup": (400, "InUseNetworkSecurityGroupCannotBeDeleted"),
    "network:NetworkInterface": (400, "NicInUse"),
    "network:PublicIPAddress": (400, "PublicIPAddressCannotBeDeleted"),
    "network:NatGateway": (400, "InUseNatGatewayCannotBeDeleted"),
    "compute:AvailabilitySet": (409, "OperationNotAllowed"),
}
STOPPED = "stopped"  # key in `hidden` of a virtual machine
_DOES_NOT_HOLD = frozenset({"devtestlab:GlobalSchedule"})  # Azure keeps the schedule of a deleted machine
_KEPT_BY_CHILDREN = {"privatedns:PrivateZone": "privatedns:VirtualNetworkLink"}


class AzureSubscription:
    """Thread-safe; its readable file is rewritten after each change."""

    def __init__(self, state: Path) -> None:
        self._store = Store(state)
        self._lock = threading.RLock()

    @property
    def resources(self) -> dict[str, Json]:
        """ARM id -> a copy of what a GET returns, in order of creation."""
        with self._lock:
            return {entry.id: copy.deepcopy(entry.body) for entry in self._store}

    def exists(self, id: str) -> bool:
        with self._lock:
            return self._store.get(id) is not None

    def get(self, id: str) -> Resource | None:
        """A copy of the resource with this id."""
        with self._lock:
            return copy.deepcopy(self._store.get(id))

    def put_existing(self, id: str, body: Mapping[str, Any]) -> None:
        """Add a resource that existed before the stack, with its group and parents, without applying rules.

        Without a location it fits every region. Raises ValueError for an id that is not an ARM id.
        """
        if not id.startswith("/subscriptions/"):
            raise ValueError(f"{id} is not an ARM id")
        with self._lock:
            for ancestor in _ancestors(id):
                if self._store.get(ancestor) is None:
                    self._store.add(_existing_resource(ancestor, {}))
            self._store.add(_existing_resource(id, dict(body)))
            self._store.save()

    def attach_disk(self, machine_id: str, disk_id: str, *, lun: int) -> None:
        """Attach a new data disk outside Pulumi."""
        with self._lock:
            machine = self._store.get(machine_id)
            if machine is None:
                raise ValueError(f"{machine_id} does not exist")
            attach_disk(self._store, machine, disk_id, lun)
            self._store.save()

    def stop_machine(self, id: str) -> None:
        """Deallocate the machine, as a shutdown does."""
        self.hide(id, {STOPPED: True})

    def record_sets(self) -> list[RecordSet]:
        """The record sets of all public and private zones."""
        with self._lock:
            return [read_record_set(entry) for entry in self._store if entry.type in RECORD_SET_TYPES]

    def ip_configurations(self, subnet: str) -> list[Json]:
        """The IP configurations of network interfaces in the subnet, with their addresses."""
        with self._lock:
            return [
                copy.deepcopy(entry)
                for interface in self._store.of_type("network:NetworkInterface")
                for entry in interface.body.get("ipConfigurations", [])
                if str((entry.get("subnet") or {}).get("id")).lower() == subnet.lower()
            ]

    def put(self, kind: ResourceType, id: str, inputs: Json) -> Resource:
        """Create or replace the resource as Azure would, or raise ArmError. Returns a copy."""
        parameters = kind.match(id)
        if parameters is None:
            raise ArmError(400, "InvalidResourceId", f"{id} is not the id of a {kind.type}.")
        with self._lock:
            old = self._store.get(id)
            put = Put(
                kind=kind,
                id=old.id if old else id,
                parameters=parameters,
                inputs=inputs,
                old=old,
                store=self._store,
                body=build_put_answer(kind, id, parameters, inputs, old),
            )
            self._check_surroundings(put)
            RULES.get(kind.type, _no_rule)(put)
            resource = Resource(id=put.id, type=kind.type, body=select_outputs(kind, put.body), hidden=put.hidden)
            self._store.add(resource)
            self._store.save()
            return copy.deepcopy(resource)

    def hide(self, id: str, hidden: Json) -> None:
        """Store values with a resource that a plain GET does not return; ignored if the resource does not exist."""
        with self._lock:
            resource = self._store.get(id)
            if resource is not None:
                resource.hidden.update(hidden)
                self._store.save()

    def delete(self, id: str) -> list[Resource]:
        """Delete a resource and what is inside it; returns all deleted ones, [] if it does not exist."""
        with self._lock:
            deleted = self._store.at_or_below(id)
            deleted += [disk_or_nic for entry in deleted for disk_or_nic in find_deleted_with(entry, self._store)]
            for entry in deleted:
                self._refuse_if_used(entry, deleted)
            for entry in deleted:
                self._store.remove(entry.id)
            self._store.save()
            return deleted

    def _check_surroundings(self, put: Put) -> None:
        if not put.kind.is_group and self._store.get(_group_of(put.id)) is None:
            name = put.parameters["resourceGroupName"]
            raise ArmError(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")
        if put.kind.is_child and self._store.get(put.parent_id) is None:
            raise ArmError(
                404,
                "ParentResourceNotFound",
                f"Can not perform requested operation on nested resource. Parent resource "
                f"'{put.parent_id.rsplit('/', 1)[1]}' not found.",
            )
        location = put.body.get("location")
        if location is None and "location" in read_schema(put.kind.type).inputs:
            raise ArmError(400, "LocationRequired", "The location property is required for this definition.")
        if put.old and put.old.location and location and put.old.location != normalise_location(location):
            raise ArmError(
                409, "InvalidResourceLocation", f"The resource '{put.name}' already exists in {put.old.location}."
            )
        for id in find_references(put.inputs):
            self._check_reference(put, id)

    def _check_reference(self, put: Put, id: str) -> None:
        other = self._store.get(id)
        if other is None:
            code = (
                (400, "InvalidResourceReference") if put.kind.type.startswith("network:") else (404, "ResourceNotFound")
            )
            raise ArmError(*code, f"Resource {id} referenced by resource {put.id} was not found.")
        own = put.body.get("location")
        regions = {normalise_location(own) if own else None, other.location} - {None, "global"}
        if len(regions) > 1:
            raise ArmError(400, "InvalidResourceReference", f"{put.id} and {id} are not in the same region.")

    def _refuse_if_used(self, entry: Resource, deleted: list[Resource]) -> None:
        deleted_ids = {resource.id for resource in deleted}
        users = [
            user
            for user in self._store.referring_to(entry.id)
            if user.id not in deleted_ids and user.type not in _DOES_NOT_HOLD
        ]
        if entry is deleted[0] and entry.type in _KEPT_BY_CHILDREN:
            users += [child for child in deleted if child.type == _KEPT_BY_CHILDREN[entry.type]]
        if users:
            status, code = _IN_USE.get(entry.type, (409, "CannotDeleteResource"))
            raise ArmError(status, code, f"{entry.id} is in use by {users[0].id} and cannot be deleted.")


def _no_rule(put: Put) -> None:
    """A resource group has no other rules."""
    put.body["properties"] = {"provisioningState": "Succeeded"}


def _group_of(id: str) -> str:
    return "/".join(id.split("/")[:5])


def _ancestors(id: str) -> Iterator[str]:
    """The resource group and the resources that contain this one, outermost first."""
    parts = id.split("/")
    yield from ("/".join(parts[:end]) for end in (5, *range(9, len(parts), 2)) if end < len(parts))


def _existing_resource(id: str, body: Json) -> Resource:
    known = find_type(id)
    known_values = {"id": id, "name": id.rsplit("/", 1)[1]} | ({"type": known[0].arm_type(known[1])} if known else {})
    return Resource(id=id, type=known[0].type if known else "", body=known_values | body, hidden={"existed": True})
