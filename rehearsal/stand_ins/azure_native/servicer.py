"""azure-native as the Pulumi engine sees it: a gRPC resource provider."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import plugin_pb2
from pulumi.runtime.proto import provider_pb2 as pb

from rehearsal.stand_ins.provider.diff import describe_changes, top_level
from rehearsal.stand_ins.provider.servicer import (
    ProviderError,
    ProviderServicer,
    answer_invoke,
    answering,
    parse_urn,
)
from rehearsal.stand_ins.provider.values import read_plain_values, write_struct

from .defaults import RANDOMLY_NAMED, fill_in
from .diff import find_input_changes, merge_drift
from .errors import ArmError, DeploymentFailedError
from .operations import RUN_COMMAND, AzureOperations
from .payloads import build_put_body, drop_id, predict_outputs, select
from .resource_types import RESOURCE_TYPES, ResourceType
from .schema import check_resource_inputs, read_schema
from .store import Json
from .subscription import STOPPED, SUBSCRIPTION_ID, AzureSubscription

VERSION = "3.29.0"
_PACKAGE = "azure-native:"
_CONFIG, _TOKEN = (f"{_PACKAGE}authorization:{function}" for function in ("getClientConfig", "getClientToken"))
_STABLE_OUTPUTS = ("name", "location")


Context: TypeAlias = grpc.ServicerContext


class AzureNativeServicer(ProviderServicer):
    """`Cancel` and a new `Configure` drop nothing."""

    def __init__(self, subscription: AzureSubscription, operations: AzureOperations, *, token: str) -> None:
        """`token`: the one that Azure Resource Manager accepts."""
        super().__init__(VERSION)
        self._subscription, self._operations, self._token = subscription, operations, token
        self._config: Json = {}

    @answering
    def Attach(self, _request: plugin_pb2.PluginAttach, _context: Context) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    @answering
    def Cancel(self, _request: empty_pb2.Empty, _context: Context) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    @answering
    def DiffConfig(self, _request: pb.DiffRequest, _context: Context) -> pb.DiffResponse:
        return pb.DiffResponse(changes=pb.DiffResponse.DIFF_NONE)

    @answering
    def Configure(self, request: pb.ConfigureRequest, _context: Context) -> pb.ConfigureResponse:
        self._config, _ = read_plain_values(request.args)
        return pb.ConfigureResponse(acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True)

    @answering
    def Check(self, request: pb.CheckRequest, _context: Context) -> pb.CheckResponse:
        kind, name = _find_kind(request.urn)
        olds, _ = read_plain_values(request.olds)
        news, secrets = read_plain_values(request.news)
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
        return pb.CheckResponse(inputs=write_struct(inputs, secrets), failures=check_resource_inputs(kind.type, known))

    @answering
    def Diff(self, request: pb.DiffRequest, _context: Context) -> pb.DiffResponse:
        kind, _ = _find_kind(request.urn)
        olds, _ = read_plain_values(request.old_inputs)
        news, _ = read_plain_values(request.news)
        outputs, _ = read_plain_values(request.olds)
        changes = find_input_changes(olds, news)
        adopted = {key for key in news if key not in olds and outputs.get(key) == news[key]}
        replaces = [path for path in changes if top_level(path) in kind.replaces_on - adopted]
        response = describe_changes(changes, replaces, of_inputs=True)
        response.deleteBeforeReplace = bool(replaces) and not olds.get(RANDOMLY_NAMED, False)
        return response

    @answering
    def Create(self, request: pb.CreateRequest, _context: Context) -> pb.CreateResponse:
        kind, _ = _find_kind(request.urn)
        inputs, secrets = read_plain_values(request.properties)
        if request.preview:
            return pb.CreateResponse(properties=write_struct(predict_outputs(kind, inputs), secrets))
        with _keeping_resource(request.properties):
            resource = self._operations.create(kind, self._id(kind, inputs), build_put_body(kind, inputs))
        return pb.CreateResponse(id=resource.id, properties=write_struct(drop_id(resource.body), secrets))

    @answering
    def Update(self, request: pb.UpdateRequest, _context: Context) -> pb.UpdateResponse:
        kind, _ = _find_kind(request.urn)
        inputs, secrets = read_plain_values(request.news)
        if request.preview:
            before, _ = read_plain_values(request.olds)
            stable = {name: before[name] for name in _STABLE_OUTPUTS if name in before}
            return pb.UpdateResponse(properties=write_struct(predict_outputs(kind, inputs) | stable, secrets))
        with _keeping_resource(request.news):
            resource = self._operations.put(kind, request.id, build_put_body(kind, inputs))
        return pb.UpdateResponse(properties=write_struct(drop_id(resource.body), secrets))

    @answering
    def Read(self, request: pb.ReadRequest, _context: Context) -> pb.ReadResponse:
        kind, _ = _find_kind(request.urn)
        resource = self._subscription.get(request.id)
        if resource is None:
            return pb.ReadResponse()
        before, _ = read_plain_values(request.properties)
        inputs, secrets = read_plain_values(request.inputs)
        outputs = drop_id(resource.body)
        names = read_schema(kind.type).inputs.keys()
        if inputs:
            inputs = merge_drift(inputs, select(before, names), select(outputs, names))
        else:
            parameters = kind.match(resource.id) or {}
            inputs = select(outputs | parameters, names - {"id", "type"}) | {"azureApiVersion": kind.api_version}
        return pb.ReadResponse(
            id=resource.id, properties=write_struct(outputs, secrets), inputs=write_struct(inputs, secrets)
        )

    @answering
    def Delete(self, request: pb.DeleteRequest, _context: Context) -> empty_pb2.Empty:
        self._operations.delete(request.id)
        return empty_pb2.Empty()

    @answering
    def Invoke(self, request: pb.InvokeRequest, _context: Context) -> pb.InvokeResponse:
        """Getters of resource types (`azure-native:network:getSubnet` and so on), the client's account, and a token."""
        if request.tok == _TOKEN:
            return answer_invoke(write_struct({"token": self._token}))
        if request.tok == _CONFIG:
            return answer_invoke(write_struct(self._client_config()))
        kind = RESOURCE_TYPES.get(request.tok.removeprefix(_PACKAGE).replace(":get", ":"))
        if kind is None:
            raise ProviderError(f"the azure-native stand-in has no function {request.tok}")
        arguments, _ = read_plain_values(request.args)
        if not set(kind.parameters) <= arguments.keys() <= {*kind.parameters, "expand"}:
            raise ArmError(400, "InvalidParameter", f"{request.tok} takes {', '.join(kind.parameters)} and expand")
        id = self._id(kind, arguments)
        resource = self._subscription.get(id)
        if resource is None:
            raise ArmError(404, "ResourceNotFound", f"The Resource '{id}' was not found.")
        body = resource.body | {"azureApiVersion": kind.api_version}
        if kind.type == RUN_COMMAND and arguments.get("expand") == "instanceView" and self._machine_runs(id):
            body["instanceView"] = resource.hidden["instanceView"]
        if kind.type == "network:Subnet":
            expanded = arguments.get("expand") == "ipConfigurations"
            entries = self._subscription.ip_configurations(resource.id)
            # Without the expansion Azure returns only their ids.
            body["ipConfigurations"] = [entry if expanded else {"id": entry.get("id")} for entry in entries]
        return answer_invoke(write_struct(body))

    def _machine_runs(self, run_command_id: str) -> bool:
        """Azure returns no instance view for a stopped virtual machine."""
        machine = self._subscription.get(run_command_id.rsplit("/", 2)[0])
        return machine is not None and not machine.hidden.get(STOPPED)

    def _client_config(self) -> Json:
        account = dict.fromkeys(("clientId", "objectId", "tenantId"), SUBSCRIPTION_ID)
        return {**account, "subscriptionId": self._config.get("subscriptionId", SUBSCRIPTION_ID)}

    def _id(self, kind: ResourceType, inputs: Json) -> str:
        return kind.id(self._config.get("subscriptionId", SUBSCRIPTION_ID), inputs)

    def _group_location(self, name: str) -> str | None:
        kind = RESOURCE_TYPES["resources:ResourceGroup"]
        group = self._subscription.get(self._id(kind, {"resourceGroupName": name}))
        return group.body.get("location") if group else None


@contextmanager
def _keeping_resource(inputs: Struct) -> Iterator[None]:
    """Let the engine keep a resource in the state whose deployment failed, so that the next update tries it again."""
    try:
        yield
    except DeploymentFailedError as error:
        _, secrets = read_plain_values(inputs)
        error.detail = pb.ErrorResourceInitFailed(
            id=error.resource.id,
            properties=write_struct(drop_id(error.resource.body), secrets),
            reasons=[str(error)],
            inputs=inputs,
        )
        raise


def _find_kind(urn: str) -> tuple[ResourceType, str]:
    """The resource type and the resource's name."""
    token, name = parse_urn(urn)
    kind = RESOURCE_TYPES.get(token.removeprefix(_PACKAGE))
    if kind is None:
        raise ProviderError(f"the azure-native stand-in has no resource type {token}")
    return kind, name
