"""Stand-in of the Pulumi provider azure-native 3.29 and of Azure Resource Manager behind it."""

import threading
from concurrent import futures
from pathlib import Path
from types import TracebackType

import grpc  # type: ignore[import-untyped]
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto.provider_pb2_grpc import add_ResourceProviderServicer_to_server

from rehearsal.stand_ins.command_result import CommandResult

from .arm import SUBSCRIPTION_ID, AzureSubscription
from .calls import EngineCall
from .operations import AzureOperations, Moment
from .provider import AzureNativeServicer
from .records import RecordSet
from .resource_manager import ResourceManager
from .resource_types import RESOURCE_TYPES
from .schema import schema_of
from .site import MachineHost, VirtualMachine

__all__ = [
    "SUBSCRIPTION_ID",
    "AzureNative",
    "AzureSubscription",
    "CommandResult",
    "EngineCall",
    "MachineHost",
    "RecordSet",
    "VirtualMachine",
]

_WORKERS = 64  # the engine sends up to four operations per core at once, and some wait for a server


class AzureNative:
    """The provider on a loopback port: PULUMI_DEBUG_PROVIDERS=azure-native:<port>.

    state: the file that holds the subscription; it is read if it exists. site: where virtual machines run, if anywhere.
    """

    def __init__(self, state: Path, *, site: MachineHost | None = None) -> None:
        self.subscription = AzureSubscription(state)
        self._operations = AzureOperations(self.subscription, site)
        self.resource_manager = ResourceManager(self.subscription, self._operations)
        self._provider = AzureNativeServicer(self.subscription, self._operations, token=self.resource_manager.token)
        self._server: grpc.Server | None = None
        self.port = 0

    @property
    def calls(self) -> list[EngineCall]:
        """What the engine asked so far, oldest first."""
        return list(self._provider.calls)

    def on(self, moment: Moment | None) -> None:
        """`moment` is called with "asked" and "done" of each creation, "delete" of each deletion, and the type.

        It may hold Azure up, or its answer.
        """
        self._operations.moment = moment

    def delete(self, id: str) -> None:
        """As somebody does in the portal: what is there is gone, and no stack heard of it."""
        self._operations.delete(id)

    def start(self) -> None:
        self.resource_manager.start()
        self._server = grpc.server(futures.ThreadPoolExecutor(_WORKERS), options=_GRPC_CHANNEL_OPTIONS)
        add_ResourceProviderServicer_to_server(self._provider, self._server)
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()
        # Importing the SDK takes a second or more: better while the engine and the program start than while they wait.
        self._importing = threading.Thread(target=_import_schemas, daemon=True)
        self._importing.start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop(grace=None).wait()
            self._server = None
            # A module of the SDK that another thread is still importing looks empty.
            self._importing.join()
        self.resource_manager.stop()

    def __enter__(self) -> "AzureNative":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _import_schemas() -> None:
    for type in RESOURCE_TYPES:
        schema_of(type)
