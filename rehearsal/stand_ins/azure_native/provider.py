"""azure-native as the Pulumi engine sees it: a gRPC resource provider."""

from typing import NamedTuple

from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2

from rehearsal.stand_ins.no_handshake import NoHandshake

from . import diff, wire
from .arm import STOPPED, SUBSCRIPTION_ID, AzureSubscription
from .calls import EngineCall, answering
from .defaults import RANDOMLY_NAMED, fill_in
from .errors import ArmError, RefusedError
from .names import name_problems
from .operations import RUN_COMMAND, AzureOperations
from .payloads import body_of, foreseen, only, outputs_of
from .resource_types import RESOURCE_TYPES, ResourceType
from .schema import problems, schema_of
from .wire import Json

VERSION = "3.29.0"
_PACKAGE = "azure-native:"
_CONFIG, _TOKEN = (f"{_PACKAGE}authorization:{function}" for function in ("getClientConfig", "getClientToken"))
_STABLE_OUTPUTS = ("name", "location")


class _Urn(NamedTuple):
    kind: ResourceType
    name: str


class AzureNativeServicer(NoHandshake):
    """Answers every instance of the provider that the engine makes; `Cancel` and a new `Configure` drop nothing."""

    def __init__(self, subscription: AzureSubscription, operations: AzureOperations, *, token: str) -> None:
        """`token` is what Azure Resource Manager takes."""
        self.calls: list[EngineCall] = []
        self._subscription, self._operations, self._token = subscription, operations, token
        self._config: Json = {}

    @answering
    def Attach(self, _request: plugin_pb2.PluginAttach) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    @answering
    def GetPluginInfo(self, _request: empty_pb2.Empty) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=VERSION)

    @answering
    def Cancel(self, _request: empty_pb2.Empty) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    @answering
    def CheckConfig(self, request: provider_pb2.CheckRequest) -> provider_pb2.CheckResponse:
        return provider_pb2.CheckResponse(inputs=request.news)

    @answering
    def DiffConfig(self, _request: provider_pb2.DiffRequest) -> provider_pb2.DiffResponse:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    @answering
    def Configure(self, request: provider_pb2.ConfigureRequest) -> provider_pb2.ConfigureResponse:
        self._config, _ = wire.read(request.args)
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
        )

    @answering
    def Check(self, request: provider_pb2.CheckRequest) -> provider_pb2.CheckResponse:
        kind, name = _urn(request.urn)
        olds, _ = wire.read(request.olds)
        news, secrets = wire.read(request.news)
        inputs = fill_in(
            kind,
            name,
            olds,
            news,
            seed=request.randomSeed,
            naming=request.autonaming if request.HasField("autonaming") else None,
            location=self._config.get("location"),
            group_location=self._group_location,
        )
        known = {key: value for key, value in inputs.items() if key not in (RANDOMLY_NAMED, "azureApiVersion")}
        failures = [
            provider_pb2.CheckFailure(property=problem.property, reason=problem.reason)
            for problem in (*problems(kind.type, known), *name_problems(known))
        ]
        return provider_pb2.CheckResponse(inputs=wire.write(inputs, secrets), failures=failures)

    @answering
    def Diff(self, request: provider_pb2.DiffRequest) -> provider_pb2.DiffResponse:
        kind, _ = _urn(request.urn)
        olds, _ = wire.read(request.old_inputs)
        news, _ = wire.read(request.news)
        outputs, _ = wire.read(request.olds)
        found = diff.changes(olds, news)
        adopted = {key for key in news if key not in olds and outputs.get(key) == news[key]}
        replaces = diff.replacing(found, kind.replaces_on - adopted)
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if found else provider_pb2.DiffResponse.DIFF_NONE,
            replaces=replaces,
            deleteBeforeReplace=bool(replaces) and not olds.get(RANDOMLY_NAMED, False),
            diffs=sorted({diff.top(path) for path in found}),
            detailedDiff={
                path: provider_pb2.PropertyDiff(kind=_kind_of(change, path in replaces), inputDiff=True)
                for path, change in found.items()
            },
            hasDetailedDiff=True,
        )

    @answering
    def Create(self, request: provider_pb2.CreateRequest) -> provider_pb2.CreateResponse:
        kind, _ = _urn(request.urn)
        inputs, secrets = wire.read(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=wire.write(foreseen(kind, inputs), secrets))
        resource = self._operations.create(kind, self._id(kind, inputs), body_of(kind, inputs))
        return provider_pb2.CreateResponse(id=resource.id, properties=wire.write(outputs_of(resource.body), secrets))

    @answering
    def Update(self, request: provider_pb2.UpdateRequest) -> provider_pb2.UpdateResponse:
        kind, _ = _urn(request.urn)
        inputs, secrets = wire.read(request.news)
        if request.preview:
            before, _ = wire.read(request.olds)
            stable = {name: before[name] for name in _STABLE_OUTPUTS if name in before}
            return provider_pb2.UpdateResponse(properties=wire.write(foreseen(kind, inputs) | stable, secrets))
        resource = self._operations.put(kind, request.id, body_of(kind, inputs))
        return provider_pb2.UpdateResponse(properties=wire.write(outputs_of(resource.body), secrets))

    @answering
    def Read(self, request: provider_pb2.ReadRequest) -> provider_pb2.ReadResponse:
        kind, _ = _urn(request.urn)
        resource = self._subscription.get(request.id)
        if resource is None:
            return provider_pb2.ReadResponse()
        before, _ = wire.read(request.properties)
        inputs, secrets = wire.read(request.inputs)
        outputs = outputs_of(resource.body)
        names = schema_of(kind.type).inputs.keys()
        if inputs:
            inputs = diff.merged(inputs, only(before, names), only(outputs, names))
        else:
            parameters = kind.match(resource.id) or {}
            inputs = only(outputs | parameters, names - {"id", "type"}) | {"azureApiVersion": kind.api_version}
        return provider_pb2.ReadResponse(
            id=resource.id, properties=wire.write(outputs, secrets), inputs=wire.write(inputs, secrets)
        )

    @answering
    def Delete(self, request: provider_pb2.DeleteRequest) -> empty_pb2.Empty:
        self._operations.delete(request.id)
        return empty_pb2.Empty()

    @answering
    def Invoke(self, request: provider_pb2.InvokeRequest) -> provider_pb2.InvokeResponse:
        """Getters of the resource types: `azure-native:network:getSubnet` and so on; and who is signed in."""
        if request.tok == _TOKEN:
            return _answered({"token": self._token})
        if request.tok == _CONFIG:
            return _answered(self._signed_in())
        kind = RESOURCE_TYPES.get(request.tok.removeprefix(_PACKAGE).replace(":get", ":"))
        if kind is None:
            raise RefusedError(f"the azure-native stand-in has no function {request.tok}")
        arguments, _ = wire.read(request.args)
        if not set(kind.parameters) <= arguments.keys() <= {*kind.parameters, "expand"}:
            raise ArmError(400, "InvalidParameter", f"{request.tok} takes {', '.join(kind.parameters)} and expand")
        id = self._id(kind, arguments)
        resource = self._subscription.get(id)
        if resource is None:
            raise ArmError(404, "ResourceNotFound", f"The Resource '{id}' was not found.")
        body = resource.body | {"azureApiVersion": kind.api_version}
        if kind.type == RUN_COMMAND and arguments.get("expand") == "instanceView" and self._runs(id):
            body["instanceView"] = resource.hidden["instanceView"]
        if kind.type == "network:Subnet":
            expanded = arguments.get("expand") == "ipConfigurations"
            inside = self._subscription.ip_configurations(resource.id)
            # Their ids alone, unless they are asked for.
            body["ipConfigurations"] = [entry if expanded else {"id": entry.get("id")} for entry in inside]
        return _answered(body)

    def _runs(self, run_command_id: str) -> bool:
        """Of a virtual machine that does not run, Azure leaves the instance view out."""
        machine = self._subscription.get(run_command_id.rsplit("/", 2)[0])
        return machine is not None and not machine.hidden.get(STOPPED)

    def _signed_in(self) -> Json:
        who = dict.fromkeys(("clientId", "objectId", "tenantId"), SUBSCRIPTION_ID)
        return {**who, "subscriptionId": self._config.get("subscriptionId", SUBSCRIPTION_ID)}

    def _id(self, kind: ResourceType, inputs: Json) -> str:
        return kind.id(self._config.get("subscriptionId", SUBSCRIPTION_ID), inputs)

    def _group_location(self, name: str) -> str | None:
        group = RESOURCE_TYPES["resources:ResourceGroup"]
        found = self._subscription.get(self._id(group, {"resourceGroupName": name}))
        return found.body.get("location") if found else None


def _answered(body: Json) -> provider_pb2.InvokeResponse:
    answer = provider_pb2.InvokeResponse()
    getattr(answer, "return").CopyFrom(wire.write(body))  # a keyword of Python
    return answer


def _urn(urn: str) -> _Urn:
    _, _, types, name = urn.split("::", 3)
    token = types.rpartition("$")[2]
    kind = RESOURCE_TYPES.get(token.removeprefix(_PACKAGE))
    if kind is None:
        raise RefusedError(f"the azure-native stand-in has no resource type {token}")
    return _Urn(kind, name)


def _kind_of(change: diff.PropertyChange, replaces: bool) -> provider_pb2.PropertyDiff.Kind.ValueType:
    return provider_pb2.PropertyDiff.Kind.Value(change.value + ("_REPLACE" if replaces else ""))
