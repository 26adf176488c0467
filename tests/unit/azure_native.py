"""The engine's calls to the azure-native stand-in over gRPC, and the inputs of a small lab."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderStub

from rehearsal.stand_ins.azure_native import SUBSCRIPTION_ID, AzureNative, VirtualMachine
from rehearsal.stand_ins.domain import JoinRequest
from rehearsal.stand_ins.provider.values import read_plain_values, write_struct
from rehearsal.stand_ins.script_results import CommandResult

Json = dict[str, Any]
GROUP_ID = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/lab"
NETWORK_ID = f"{GROUP_ID}/providers/Microsoft.Network/virtualNetworks/network"
SUBNET_ID = f"{NETWORK_ID}/subnets/servers"


@dataclass
class Machines:
    """A machine host that logs its calls; `result` is the result of the next scripts, `joins` that of joins."""

    created: list[VirtualMachine] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    ran: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)
    joined: list[tuple[str, JoinRequest, bool]] = field(default_factory=list)
    joins: bool = True
    result: CommandResult = field(default_factory=lambda: CommandResult(exit_code=0, output="", error=""))

    def create_machine(self, vm: VirtualMachine) -> None:
        self.created.append(vm)

    def delete_machine(self, id: str) -> None:
        self.deleted.append(id)

    def disks_attached(self, vm_id: str, luns: Mapping[str, int]) -> None:
        """These machines have no Windows that would show them."""

    def run_command(self, vm_id: str, script: str, parameters: Mapping[str, str]) -> CommandResult:
        self.ran.append((vm_id, script, parameters))
        return self.result

    def join_domain(self, vm_id: str, request: JoinRequest, *, restart: bool) -> bool:
        self.joined.append((vm_id, request, restart))
        return self.joins


class Azure:
    """The running stand-in and a client of it."""

    def __init__(self, state: Path) -> None:
        self.machines = Machines()
        self.stand_in = AzureNative(state, host=self.machines)
        self.stand_in.start()
        self._channel = grpc.insecure_channel(f"127.0.0.1:{self.stand_in.port}")
        self.provider = ResourceProviderStub(self._channel)
        self.configure(location="westeurope")

    def stop(self) -> None:
        self._channel.close()
        self.stand_in.stop()

    def configure(self, **config: str) -> provider_pb2.ConfigureResponse:
        answer: provider_pb2.ConfigureResponse = self.provider.Configure(
            provider_pb2.ConfigureRequest(args=write_struct(config))
        )
        return answer

    def check(self, type: str, inputs: Json, *, olds: Json | None = None, name: str = "x", seed: bytes = b"1") -> Any:
        request = provider_pb2.CheckRequest(
            urn=urn(type, name), news=write_struct(inputs), olds=write_struct(olds or {}), randomSeed=seed
        )
        return self.provider.Check(request)

    def checked(self, type: str, inputs: Json, *, olds: Json | None = None, name: str = "x") -> Json:
        answer = self.check(type, inputs, olds=olds, name=name)
        assert not answer.failures, answer.failures
        return read_plain_values(answer.inputs)[0]

    def reasons(self, type: str, inputs: Json) -> list[str]:
        return [failure.reason for failure in self.check(type, inputs).failures]

    def create(self, type: str, inputs: Json, *, name: str = "x") -> tuple[str, Json]:
        """Check and create as the engine does; the id and the outputs."""
        properties = self.check(type, inputs, name=name)
        assert not properties.failures, properties.failures
        request = provider_pb2.CreateRequest(urn=urn(type, name), properties=properties.inputs)
        answer = self.provider.Create(request)
        return answer.id, read_plain_values(answer.properties)[0]

    def diff(self, type: str, olds: Json, news: Json, *, outputs: Json | None = None) -> Any:
        request = provider_pb2.DiffRequest(
            urn=urn(type, "x"),
            old_inputs=write_struct(olds),
            news=write_struct(news),
            olds=write_struct(outputs or olds),
        )
        return self.provider.Diff(request)

    def update(self, type: str, id: str, inputs: Json) -> Json:
        checked = self.checked(type, inputs)
        answer = self.provider.Update(provider_pb2.UpdateRequest(urn=urn(type, "x"), id=id, news=write_struct(checked)))
        return read_plain_values(answer.properties)[0]

    def read(self, type: str, id: str, *, inputs: Json | None = None, outputs: Json | None = None) -> Any:
        request = provider_pb2.ReadRequest(
            urn=urn(type, "x"), id=id, inputs=write_struct(inputs or {}), properties=write_struct(outputs or {})
        )
        return self.provider.Read(request)

    def delete(self, id: str, type: str = "resources:ResourceGroup") -> None:
        self.provider.Delete(provider_pb2.DeleteRequest(urn=urn(type, "x"), id=id))

    def invoke(self, function: str, arguments: Json) -> Json:
        request = provider_pb2.InvokeRequest(tok=f"azure-native:{function}", args=write_struct(arguments))
        return read_plain_values(getattr(self.provider.Invoke(request), "return"))[0]

    def cancel(self) -> None:
        self.provider.Cancel(Empty())


def urn(type: str, name: str) -> str:
    return f"urn:pulumi:lab::exchange-cas::exchange-cas:index:Farm$azure-native:{type}::{name}"


def make_network(azure: Azure) -> None:
    """Resource group `lab`, virtual network `network` 10.0.0.0/16 and subnet `servers` 10.0.1.0/24."""
    azure.create("resources:ResourceGroup", {"resourceGroupName": "lab"})
    azure.create("network:VirtualNetwork", network())
    azure.create("network:Subnet", subnet())


def network(**other: Any) -> Json:
    space = {"addressPrefixes": ["10.0.0.0/16"]}
    return {"resourceGroupName": "lab", "virtualNetworkName": "network", "addressSpace": space} | other


def subnet(**other: Any) -> Json:
    names = {"resourceGroupName": "lab", "virtualNetworkName": "network", "subnetName": "servers"}
    return names | {"addressPrefix": "10.0.1.0/24"} | other


def interface(address: str | None = "10.0.1.10", *, name: str = "nic", **configuration: Any) -> Json:
    static = {"privateIPAllocationMethod": "Static", "privateIPAddress": address} if address else {}
    entry = {"name": "server", "subnet": {"id": SUBNET_ID}} | static | configuration
    return {"resourceGroupName": "lab", "networkInterfaceName": name, "ipConfigurations": [entry]}


def public_address(name: str = "ip", **other: Any) -> Json:
    standard = {"sku": {"name": "Standard"}, "publicIPAllocationMethod": "Static"}
    return {"resourceGroupName": "lab", "publicIpAddressName": name} | standard | other


def machine(interface_id: str, *, name: str = "ex01", **other: Any) -> Json:
    image = {"publisher": "MicrosoftWindowsServer", "offer": "WindowsServer", "sku": "2019-datacenter-gensecond"}
    return {
        "resourceGroupName": "lab",
        "vmName": name,
        "hardwareProfile": {"vmSize": "Standard_D2s_v5"},
        "networkProfile": {"networkInterfaces": [{"id": interface_id, "primary": True}]},
        "osProfile": {"computerName": name, "adminUsername": "operator1", "adminPassword": "Correct-Horse-1"},
        "storageProfile": {
            "imageReference": image | {"version": "latest"},
            "osDisk": {"createOption": "FromImage", "managedDisk": {"storageAccountType": "Premium_LRS"}},
        },
    } | other


def changed(inputs: Json, path: str, value: Any) -> Json:
    """A copy of `inputs` with another value at a dotted path."""
    copied = copy.deepcopy(inputs)
    *parents, last = path.split(".")
    container = copied
    for parent in parents:
        container = container.setdefault(parent, {})
    container[last] = value
    return copied


def make_machine(azure: Azure, *, name: str = "ex01", address: str = "10.0.1.10", **other: Any) -> tuple[str, Json]:
    """A virtual machine with its network interface in the network of `make_network`."""
    interface_id, _ = azure.create("network:NetworkInterface", interface(address, name=f"{name}-nic"))
    return azure.create("compute:VirtualMachine", machine(interface_id, name=name, **other))


def records(*addresses: str, **other: Any) -> Json:
    names = {"resourceGroupName": "lab", "zoneName": "mail-domain.com", "relativeRecordSetName": "owa"}
    values = {"recordType": "A", "ttl": 300, "aRecords": [{"ipv4Address": address} for address in addresses]}
    return names | values | other


def make_zone(azure: Azure) -> None:
    """Resource group `lab` and the public zone mail-domain.com."""
    azure.create("resources:ResourceGroup", {"resourceGroupName": "lab"})
    zone = {"resourceGroupName": "lab", "zoneName": "mail-domain.com", "location": "global"}
    azure.create("dns:Zone", zone)
