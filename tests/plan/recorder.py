"""An engine that only records: each registration with its options, each call, the outputs.

The SDK's MockResourceArgs leaves out the options, so the recorder reads the requests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2, struct_pb2
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.mocks import MockMonitor, Mocks
from pulumi.runtime.proto import engine_pb2, resource_pb2

from tests.plan import wire

STACK = "pulumi:pulumi:Stack"
# Fields of a registration that are not options: its identity, what is recorded separately, and protocol details.
NOT_OPTIONS = frozenset(
    {
        *("type", "name", "parent", "custom", "object", "dependencies", "propertyDependencies"),
        *("acceptSecrets", "acceptResources", "supportsPartialValues", "supportsResultReporting"),
        *("sourcePosition", "stackTrace", "version", "aliases", "deleteBeforeReplace", "deleteBeforeReplaceDefined"),
    }
)

CERTIFICATE_REPORT = f'{{"thumbprint": "{"AB" * 20}", "notAfter": "2027-01-31T00:00:00Z", "subject": "CN=owa"}}'
# Type -> the values that only Azure or a server knows, made from a resource's logical name; the others are its inputs.
COMPUTED: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "azure-native:compute:VirtualMachine": lambda name: {"vmId": f"<vmId of {name}>"},
    "azure-native:network:PublicIPAddress": lambda name: {"ipAddress": f"<ipAddress of {name}>"},
    "command:remote:Command": lambda name: {
        "stdout": CERTIFICATE_REPORT if name.endswith("-certificate") else '{"settings": {}}',
        "stderr": "",
    },
}
# Type -> the input that Azure gives back as the resource's name.
NAMED_BY = {
    "azure-native:resources:ResourceGroup": "resourceGroupName",
    "azure-native:network:VirtualNetwork": "virtualNetworkName",
    "azure-native:compute:VirtualMachine": "vmName",
    "azure-native:compute:VirtualMachineRunCommandByVirtualMachine": "runCommandName",
    "azure-native:dns:Zone": "zoneName",
    "azure-native:privatedns:PrivateZone": "privateZoneName",
}
LAST_OUTPUTS = "pulumi:pulumi:readStackOutputs"
MACHINE = "azure-native:compute:getVirtualMachine"
HOST_KEY_OF = "azure-native:compute:getVirtualMachineRunCommandByVirtualMachine"


@dataclass(frozen=True)
class Registration:
    """One resource or component, as the program asked for it; URNs name others."""

    urn: str
    type: str
    name: str
    parent: str
    custom: bool
    inputs: Mapping[str, Any]
    # Every URN that must exist before it, those from inputs included; a component is listed with all its children.
    dependencies: frozenset[str]
    # Input -> the URNs that its value comes from.
    input_dependencies: Mapping[str, frozenset[str]]
    # Every option that was set, under the engine's name.
    options: Mapping[str, Any]


@dataclass(frozen=True)
class ProviderCall:
    """A call of a provider's function."""

    token: str
    arguments: Mapping[str, Any]


@dataclass
class RecordedLog:
    """The engine's side of pulumi.log, by severity."""

    debug: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def Log(self, request: engine_pb2.LogRequest) -> empty_pb2.Empty:
        kept = {engine_pb2.WARNING: self.warnings, engine_pb2.ERROR: self.errors}.get(request.severity, self.debug)
        kept.append(request.message)
        return empty_pb2.Empty()


class NotFoundError(grpc.RpcError):  # type: ignore[misc]
    """Azure's answer about a missing resource, as the engine passes it on."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNKNOWN

    def details(self) -> str:
        return 'Status=404 Code="ResourceNotFound"'


class NoMocks(Mocks):
    """Never called: the recorder answers instead."""

    def new_resource(self, args: object) -> tuple[str | None, dict[str, Any]]:
        raise NotImplementedError

    def call(self, args: object) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        raise NotImplementedError


class Recorder(MockMonitor):
    """`preview`: nothing exists yet, so ids and computed values are unknown; else each registration is an update's.

    `host_keys`: whether the virtual machines run, so that Azure shows the output of their run command. `last`: the
    stack's outputs after the last `up`. `attached`: virtual machine in Azure -> its data disks.
    """

    def __init__(
        self,
        *,
        preview: bool,
        host_keys: bool = True,
        last: Mapping[str, Any] | None = None,
        attached: Mapping[str, list[dict[str, Any]]] | None = None,
    ) -> None:
        super().__init__(NoMocks())
        self._preview, self._host_keys = preview, host_keys
        self._last, self._attached = dict(last or {}), attached or {}
        self.registrations: dict[str, Registration] = {}
        self.calls: list[ProviderCall] = []
        self.outputs: dict[str, dict[str, Any]] = {}

    def features(self) -> list[int]:
        """The features that the SDK may use."""
        return list(self.GetDeploymentInfo(empty_pb2.Empty()).supportedFeatures)  # type: ignore[no-untyped-call]

    def RegisterResource(self, request: resource_pb2.RegisterResourceRequest) -> resource_pb2.RegisterResourceResponse:
        urn = self.make_urn(request.parent, request.type, request.name)
        if urn in self.registrations:
            raise ValueError(f"{urn} is registered twice.")
        self.registrations[urn] = Registration(
            urn=urn,
            type=request.type,
            name=request.name,
            parent=request.parent,
            custom=request.custom,
            inputs=wire.parse_struct(request.object),
            dependencies=frozenset(request.dependencies),
            input_dependencies={
                key: frozenset(found.urns) for key, found in request.propertyDependencies.items() if found.urns
            },
            options=read_options(request),
        )
        if not request.custom:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        answer = struct_pb2.Struct()
        answer.CopyFrom(request.object)
        if self._preview:
            return resource_pb2.RegisterResourceResponse(urn=urn, object=answer)
        if key := NAMED_BY.get(request.type):
            answer.fields["name"].CopyFrom(request.object.fields[key])
        if computed := COMPUTED.get(request.type):
            answer.update(computed(request.name))
        return resource_pb2.RegisterResourceResponse(urn=urn, id=f"<id of {request.name}>", object=answer)

    def RegisterResourceOutputs(self, request: resource_pb2.RegisterResourceOutputsRequest) -> empty_pb2.Empty:
        self.outputs[request.urn] = wire.parse_struct(request.outputs)
        return empty_pb2.Empty()

    def Invoke(self, request: resource_pb2.ResourceInvokeRequest) -> resource_pb2.ResourceInvokeResponse:
        arguments = wire.parse_struct(request.args)
        answer = resource_pb2.ResourceInvokeResponse()
        if request.tok == LAST_OUTPUTS:
            getattr(answer, "return").CopyFrom(wire.build_struct({"outputs": self._last}))
            return answer
        self.calls.append(ProviderCall(request.tok, arguments))
        if request.tok == MACHINE:
            if (disks := self._attached.get(arguments["vmName"])) is None:
                raise NotFoundError
            getattr(answer, "return").CopyFrom(wire.build_struct({"storageProfile": {"dataDisks": disks}}))
            return answer
        if request.tok != HOST_KEY_OF:
            raise NotImplementedError(f"{request.tok} is a function that the recorder has no answer for.")
        printed = f'{{"hostKey": "<host key of {arguments["vmName"]}>"}}'
        view = {"instanceView": {"output": printed}} if self._host_keys else {}
        getattr(answer, "return").CopyFrom(wire.build_struct(view))
        return answer

    def ReadResource(self, request: resource_pb2.ReadResourceRequest) -> resource_pb2.ReadResourceResponse:
        raise NotImplementedError(f"{request.name}: nothing is read into this program's stacks.")


def read_options(request: resource_pb2.RegisterResourceRequest) -> dict[str, Any]:
    """Every option that was set, also options of a later SDK."""
    chosen = resource_pb2.RegisterResourceRequest()
    chosen.CopyFrom(request)
    for name in NOT_OPTIONS:
        chosen.ClearField(name)  # type: ignore[arg-type]
    found = {name: value for name, value in MessageToDict(chosen).items() if value != {}}
    if request.deleteBeforeReplaceDefined:
        found["deleteBeforeReplace"] = request.deleteBeforeReplace
    if request.aliases:
        found["aliases"] = [alias.urn or alias.spec.type for alias in request.aliases]
    return found
