"""Create, update and delete with what follows from them outside Azure's books: machines that run, scripts that ran."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from rehearsal.stand_ins.command_result import CommandResult

from .arm import STOPPED, AzureSubscription
from .errors import ArmError, RefusedError
from .resource_types import ResourceType, type_of
from .site import MachineHost, VirtualMachine
from .store import Resource
from .wire import Json

VIRTUAL_MACHINE = "compute:VirtualMachine"
RUN_COMMAND = "compute:VirtualMachineRunCommandByVirtualMachine"
_LONGEST_OUTPUT = 4096
Moment = Callable[[str, str], None]


class DeploymentFailedError(ArmError):
    """The resource is there, but Azure calls its deployment failed."""

    def __init__(self, resource: Resource, message: str) -> None:
        super().__init__(409, "VMExtensionProvisioningError", message)
        self.resource = resource


class AzureOperations:
    """What azure-native asks of Azure. Site calls are made outside the subscription's lock: they may take long."""

    def __init__(self, subscription: AzureSubscription, site: MachineHost | None) -> None:
        self.moment: Moment | None = None
        self._subscription = subscription
        self._site = site
        # Machines that boot or run a script, by lower-case id: Azure ends that before a machine is gone.
        self._busy: Counter[str] = Counter()
        self._idle = threading.Condition()

    def create(self, kind: ResourceType, id: str, inputs: Json) -> Resource:
        """azure-native looks before it creates, although a PUT would just update."""
        self._note("asked", kind)
        if self._subscription.exists(id):
            raise RefusedError(f"cannot create already existing resource '{id}'")
        made = self.put(kind, id, inputs)
        self._note("done", kind)
        return made

    def put(self, kind: ResourceType, id: str, inputs: Json) -> Resource:
        """An update, which creates what somebody else deleted meanwhile."""
        with self._working(kind, id):
            is_new = not self._subscription.exists(id)
            if kind.type == RUN_COMMAND:
                self._refuse_if_stopped(id)
            resource = self._subscription.put(kind, id, inputs)
            if is_new and kind.type == VIRTUAL_MACHINE:
                self._boot(resource, inputs)
            if kind.type == RUN_COMMAND:
                self._run(resource, inputs)
            return resource

    def delete(self, id: str) -> None:
        found = type_of(id)
        if found:
            self._note("delete", found[0])
            if found[0].type == RUN_COMMAND:
                self._refuse_if_stopped(id)
        for gone in self._subscription.delete(id):
            if gone.type == VIRTUAL_MACHINE and self._site is not None:
                machine = gone.id.lower()
                with self._idle:
                    self._idle.wait_for(lambda machine=machine: not self._busy[machine])  # type: ignore[misc]
                self._site.vm_deleted(gone.id)

    def _refuse_if_stopped(self, run_command_id: str) -> None:
        machine = self._subscription.get(run_command_id.rsplit("/", 2)[0])
        if machine is not None and machine.hidden.get(STOPPED):
            raise ArmError(409, "OperationNotAllowed", "Cannot modify extensions in the VM when the VM is not running.")

    def _note(self, what: str, kind: ResourceType) -> None:
        if self.moment:
            self.moment(what, kind.type)

    @contextmanager
    def _working(self, kind: ResourceType, id: str) -> Iterator[None]:
        machine = {VIRTUAL_MACHINE: id, RUN_COMMAND: id.rsplit("/", 2)[0]}.get(kind.type, "").lower()
        with self._idle:
            self._busy[machine] += 1
        try:
            yield
        finally:
            with self._idle:
                self._busy[machine] -= 1
                self._idle.notify_all()

    def _boot(self, resource: Resource, inputs: Json) -> None:
        if self._site is None:
            return
        try:
            self._site.vm_created(self._machine(resource, inputs))
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
            admin_username=profile["adminUsername"],
            admin_password=inputs["osProfile"]["adminPassword"],
        )

    def _run(self, resource: Resource, inputs: Json) -> None:
        """Every PUT of a run command runs its script."""
        started = datetime.now(UTC)
        parameters = {
            entry["name"]: entry["value"]
            for key in ("parameters", "protectedParameters")
            for entry in inputs.get(key, [])
        }
        result = CommandResult(exit_code=0, output="", error="")
        if self._site is not None:
            result = self._site.run_command(resource.id.rsplit("/", 2)[0], inputs["source"]["script"], parameters)
        self._subscription.hide(resource.id, {"instanceView": _instance_view(result, started)})
        if result.exit_code and inputs.get("treatFailureAsDeploymentFailure"):
            raise DeploymentFailedError(
                resource, f"{resource.body['name']} ended with exit code {result.exit_code}: {result.error.strip()}"
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
    """Azure keeps the end of an output, 4096 bytes of it."""
    return text.encode()[-_LONGEST_OUTPUT:].decode(errors="ignore")
