"""Where the virtual machines of the subscription run: the rehearsal implements it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from rehearsal.stand_ins.command_result import CommandResult


@dataclass(frozen=True, kw_only=True)
class VirtualMachine:
    """A virtual machine as it was created. id: its ARM id, stable for a name. vm_id: a UUID, new for each creation."""

    id: str
    vm_id: str
    name: str
    computer_name: str
    private_addresses: tuple[str, ...]
    public_addresses: tuple[str, ...]
    admin_username: str
    admin_password: str


class MachineHost(Protocol):
    """Calls come from several threads; one that raises fails the resource operation with the exception's text."""

    def vm_created(self, vm: VirtualMachine) -> None: ...

    def vm_deleted(self, id: str) -> None: ...

    def run_command(self, vm_id: str, script: str, parameters: Mapping[str, str]) -> CommandResult:
        """Run a script as SYSTEM on the virtual machine with this ARM id."""
        ...
