"""Creations, updates and deletions; and what they do to virtual machines: boot, run a script, shut down."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from rehearsal.stand_ins.domain import JoinRequest
from rehearsal.stand_ins.provider.servicer import ProviderError
from rehearsal.stand_ins.script_results import CommandResult

from .errors import ArmError, DeploymentFailedError
from .resource_types import ResourceType, find_type
from .rules.disks import attached_disks
from .store import Json, Resource
from .subscription import STOPPED, AzureSubscription

VIRTUAL_MACHINE = "compute:VirtualMachine"
RUN_COMMAND = "compute:VirtualMachineRunCommandByVirtualMachine"
EXTENSION = "compute:VirtualMachineExtension"
# What Azure does on a machine, and only while the machine runs.
_ON_A_MACHINE = frozenset({RUN_COMMAND, EXTENSION})
_LONGEST_OUTPUT = 4096
Observer = Callable[[str, str], None]


@dataclass(frozen=True, kw_only=True)
class VirtualMachine:
    """A virtual machine as it was created. id: its ARM id, stable for a name. vm_id: a UUID, new for each creation."""

    id: str
    vm_id: str
    name: str
    computer_name: str
    private_addresses: tuple[str, ...]
    public_addresses: tuple[str, ...]
    dns_servers: tuple[str, ...]
    admin_username: str
    admin_password: str


class MachineHost(Protocol):
    """Where virtual machines run: the rehearsal's data centre.

    Calls come from several threads. An exception fails the resource operation with its text.
    """

    def create_machine(self, vm: VirtualMachine) -> None: ...

    def delete_machine(self, id: str) -> None: ...

    def disks_attached(self, vm_id: str, luns: Mapping[str, int]) -> None:
        """The virtual machine has exactly these data disks now: the disk's ARM id -> its LUN."""
        ...

    def run_command(self, vm_id: str, script: str, parameters: Mapping[str, str]) -> CommandResult:
        """Run a script as SYSTEM on the virtual machine with this ARM id."""
        ...

    def join_domain(self, vm_id: str, request: JoinRequest, *, restart: bool) -> bool:
        """Whether the virtual machine is in the domain now. It restarts if it joined and `restart` is true."""
        ...


class AzureOperations:
    """Calls the machine host outside the subscription's lock: a boot or a script may take long."""

    def __init__(self, subscription: AzureSubscription, host: MachineHost | None) -> None:
        self.observer: Observer | None = None
        self._subscription = subscription
        self._host = host
        # Machines that boot or run a script, by lower-case id: Azure waits for these before it deletes a machine.
        self._busy: Counter[str] = Counter()
        self._idle = threading.Condition()

    def create(self, kind: ResourceType, id: str, inputs: Json) -> Resource:
        """Refuses an id that exists, as azure-native does; a PUT alone would update it."""
        self._tell_observer("asked", kind)
        if self._subscription.exists(id):
            raise ProviderError(f"cannot create already existing resource '{id}'")
        created = self.put(kind, id, inputs)
        self._tell_observer("done", kind)
        return created

    def put(self, kind: ResourceType, id: str, inputs: Json) -> Resource:
        """Create or update, as Azure's PUT: an update creates a resource that was deleted outside Pulumi."""
        with self._working(kind, id):
            is_new = not self._subscription.exists(id)
            if kind.type in _ON_A_MACHINE:
                self._refuse_if_stopped(id)
            resource = self._subscription.put(kind, id, inputs)
            if is_new and kind.type == VIRTUAL_MACHINE:
                self._boot(resource, inputs)
            if kind.type == RUN_COMMAND:
                self._run(resource, inputs)
            if kind.type == EXTENSION:
                self._join(resource, inputs)
            return resource

    def delete(self, id: str) -> None:
        known = find_type(id)
        if known:
            kind, _ = known
            self._tell_observer("delete", kind)
            if kind.type in _ON_A_MACHINE:
                self._refuse_if_stopped(id)
        for resource in self._subscription.delete(id):
            if resource.type == VIRTUAL_MACHINE and self._host is not None:
                machine = resource.id.lower()
                with self._idle:
                    self._idle.wait_for(lambda machine=machine: not self._busy[machine])  # type: ignore[misc]
                self._host.delete_machine(resource.id)

    def _refuse_if_stopped(self, id: str) -> None:
        machine = self._subscription.get(id.rsplit("/", 2)[0])
        if machine is not None and machine.hidden.get(STOPPED):
            raise ArmError(409, "OperationNotAllowed", "Cannot modify extensions in the VM when the VM is not running.")

    def _tell_observer(self, what: str, kind: ResourceType) -> None:
        if self.observer:
            self.observer(what, kind.type)

    @contextmanager
    def _working(self, kind: ResourceType, id: str) -> Iterator[None]:
        of_part = dict.fromkeys(_ON_A_MACHINE, id.rsplit("/", 2)[0])
        machine = {VIRTUAL_MACHINE: id, **of_part}.get(kind.type, "").lower()
        with self._idle:
            self._busy[machine] += 1
        try:
            yield
        finally:
            with self._idle:
                self._busy[machine] -= 1
                self._idle.notify_all()

    def _boot(self, resource: Resource, inputs: Json) -> None:
        if self._host is None:
            return
        try:
            self._host.create_machine(self._machine(resource, inputs))
        except Exception:
            self._subscription.delete(resource.id)
            raise

    def _machine(self, resource: Resource, inputs: Json) -> VirtualMachine:
        interfaces = [
            self._subscription.get(entry["id"]) for entry in resource.body["networkProfile"]["networkInterfaces"]
        ]
        configurations = [entry for nic in interfaces if nic for entry in nic.body["ipConfigurations"]]
        public = [
            self._subscription.get((entry.get("publicIPAddress") or {}).get("id", "")) for entry in configurations
        ]
        profile = resource.body["osProfile"]
        return VirtualMachine(
            id=resource.id,
            vm_id=resource.body["vmId"],
            name=resource.body["name"],
            computer_name=profile["computerName"],
            private_addresses=tuple(entry["privateIPAddress"] for entry in configurations),
            public_addresses=tuple(address.body["ipAddress"] for address in public if address),
            dns_servers=tuple(
                address
                for nic in interfaces
                if nic
                for address in (nic.body.get("dnsSettings") or {}).get("dnsServers") or ()
            ),
            admin_username=profile["adminUsername"],
            admin_password=inputs["osProfile"]["adminPassword"],
        )

    def _luns(self, vm_id: str) -> dict[str, int]:
        machine = self._subscription.get(vm_id)
        attached = attached_disks(machine) if machine else []
        return {
            str((entry.get("managedDisk") or {}).get("id", entry["name"])).lower(): entry["lun"] for entry in attached
        }

    def _run(self, resource: Resource, inputs: Json) -> None:
        """Each PUT of a run command runs its script."""
        started = datetime.now(UTC)
        parameters = {
            entry["name"]: entry["value"]
            for key in ("parameters", "protectedParameters")
            for entry in inputs.get(key, [])
        }
        result = CommandResult(exit_code=0, output="", error="")
        if self._host is not None:
            vm_id = resource.id.rsplit("/", 2)[0]
            self._host.disks_attached(vm_id, self._luns(vm_id))
            result = self._host.run_command(vm_id, inputs["source"]["script"], parameters)
        self._subscription.hide(resource.id, {"instanceView": _instance_view(result, started)})
        if result.exit_code and inputs.get("treatFailureAsDeploymentFailure"):
            raise DeploymentFailedError(
                resource, f"{resource.body['name']} ended with exit code {result.exit_code}: {result.error.strip()}"
            )

    def _join(self, resource: Resource, inputs: Json) -> None:
        """Each PUT of the extension runs it. Azure reports one sentence, whatever the reason of a failure."""
        settings = inputs["settings"]
        request = JoinRequest(
            name=settings["Name"],
            account=settings["User"],
            password=inputs["protectedSettings"]["Password"],
            ou_path=settings.get("OUPath"),
        )
        restart = settings["Restart"].lower() == "true"
        vm_id = resource.id.rsplit("/", 2)[0]
        if self._host is not None and not self._host.join_domain(vm_id, request, restart=restart):
            raise DeploymentFailedError(
                resource,
                f"VM has reported a failure when processing extension '{resource.body['name']}' (publisher "
                f"'{inputs['publisher']}' and type '{inputs['type']}'). Error message: \"Exception(s) occured while "
                f"joining Domain '{request.name}'\". More information on troubleshooting is available at "
                "https://aka.ms/vmextensionwindowstroubleshoot. ",
            )


def _instance_view(result: CommandResult, started: datetime) -> Json:
    return {
        "executionState": "Failed" if result.exit_code else "Succeeded",
        "executionMessage": "",
        "exitCode": result.exit_code,
        "output": _last_bytes(result.output),
        "error": _last_bytes(result.error),
        "startTime": started.isoformat(),
        "endTime": datetime.now(UTC).isoformat(),
        "statuses": [],
    }


def _last_bytes(text: str) -> str:
    """Azure keeps the last 4096 bytes of an output."""
    return text.encode()[-_LONGEST_OUTPUT:].decode(errors="ignore")
