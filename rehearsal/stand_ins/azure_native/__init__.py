"""Stand-in of the Pulumi provider azure-native 3.29 and of Azure Resource Manager behind it."""

import threading
from pathlib import Path

from rehearsal.stand_ins.provider.server import ProviderServer
from rehearsal.stand_ins.provider.servicer import EngineCall

from .operations import AzureOperations, MachineHost, Observer, VirtualMachine
from .resource_manager import ResourceManager
from .resource_types import RESOURCE_TYPES
from .schema import read_schema
from .servicer import AzureNativeServicer
from .subscription import SUBSCRIPTION_ID, AzureSubscription

__all__ = ["SUBSCRIPTION_ID", "AzureNative", "AzureSubscription", "MachineHost", "VirtualMachine"]

_THREADS = 64  # the engine sends up to four operations per core at once, and some wait for a server


class AzureNative(ProviderServer):
    """state: the file that holds the subscription; it is read if it exists. host: where virtual machines run, if
    anywhere."""

    def __init__(self, state: Path, *, host: MachineHost | None = None) -> None:
        self.subscription = AzureSubscription(state)
        self._operations = AzureOperations(self.subscription, host)
        self.resource_manager = ResourceManager(self.subscription, self._operations)
        self._servicer = AzureNativeServicer(self.subscription, self._operations, token=self.resource_manager.token)
        self._importing = threading.Thread(target=_import_schemas, daemon=True)
        super().__init__(self._servicer, threads=_THREADS)

    @property
    def calls(self) -> list[EngineCall]:
        """The engine's calls so far, oldest first."""
        return list(self._servicer.calls)

    def observe(self, observer: Observer | None) -> None:
        """`observer` is called with "asked" and "done" of each creation, "delete" of each deletion, and the type.

        It may delay Azure, or its answer.
        """
        self._operations.observer = observer

    def delete(self, id: str) -> None:
        """Delete a resource outside Pulumi, as in the portal."""
        self._operations.delete(id)

    def start(self) -> None:
        self.resource_manager.start()
        super().start()
        # Importing the SDK takes a second or more: done now, the engine does not wait for it later.
        self._importing.start()

    def stop(self) -> None:
        super().stop()
        # A module of the SDK that another thread is still importing looks empty to the next caller.
        self._importing.join()
        self.resource_manager.stop()


def _import_schemas() -> None:
    for type in RESOURCE_TYPES:
        read_schema(type)
