"""Documents as `pulumi preview --json` prints them, for tests of the review."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from typer.testing import Result

from operations.review.dangers import Danger, find_dangers
from operations.review.plan import Plan
from operations.review.preview import Preview
from operations.review.preview_file import read_preview

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
DOMAIN = "mail-domain.com"
FARM = "urn:pulumi:prod::exchange-cas::exchange-cas:index:ClientAccessFarm"
SERVER, NAMESPACE, RECORDS = (
    f"{FARM}$exchange-cas:index:{name}" for name in ("ClientAccessServer", "ClientAccessNamespace", "NamespaceRecords")
)
VM, NIC, IP, NAT = (
    "azure-native:compute:VirtualMachine",
    "azure-native:network:NetworkInterface",
    "azure-native:network:PublicIPAddress",
    "azure-native:network:NatGateway",
)
GROUP, SUBNET = "azure-native:network:NetworkSecurityGroup", "azure-native:network:Subnet"
NETWORK = f"{FARM}$exchange-cas:index:Network"
COMMAND, RESTORE = "command:remote:Command", "command:local:Command"
PRIVATE, PUBLIC = "azure-native:privatedns:PrivateRecordSet", "azure-native:dns:RecordSet"
PRIVATE_ZONE, PUBLIC_ZONE = "azure-native:privatedns:PrivateZone", "azure-native:dns:Zone"
Step = dict[str, Any]
# The fixture `review`.
Review = Callable[..., Result]


def urn(parent: str, type: str, name: str) -> str:
    return f"{parent}${type}::{name}"


def step(
    operation: str,
    parent: str,
    type: str,
    name: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    **more: Any,
) -> Step:
    """One step. `old` and `new` of `more` go into its two states, the rest into the step."""
    old, new = more.pop("old", {}), more.pop("new", {})
    found: Step = {"op": operation, "urn": urn(parent, type, name), "detailedDiff": None, **more}
    if operation != "create":
        found["oldState"] = {"urn": found["urn"], "type": type, "inputs": dict(before or {}), **old}
    if operation != "delete":
        found["newState"] = {"urn": found["urn"], "type": type, "inputs": dict(after or before or {}), **new}
    return found


def records(
    operation: str,
    before: Iterable[str] | None,
    after: Iterable[str] | str | None,
    *,
    label: str = "owa",
    type: str = PRIVATE,
    ttl: Any = 300,
    zone: str = DOMAIN,
    **more: Any,
) -> Step:
    def inputs(addresses: Iterable[str] | str) -> dict[str, Any]:
        return {
            "privateZoneName" if type == PRIVATE else "zoneName": zone,
            "recordType": "A",
            "relativeRecordSetName": label,
            "ttl": ttl,
            "aRecords": addresses if isinstance(addresses, str) else [{"ipv4Address": one} for one in addresses],
        }

    old, new = (None if half is None else inputs(half) for half in (before, after))
    return step(operation, RECORDS, type, f"cas-{label}-a", old, new, **more)


def machine(operation: str, key: str, **more: Any) -> Step:
    size = {"vmName": key.upper(), "hardwareProfile": {"vmSize": "Standard_D4s_v5"}}
    return step(operation, SERVER, VM, f"cas-{key}-vm", size, size, **more)


def command(operation: str, key: str, what: str, before: Any = None, after: Any = None, **more: Any) -> Step:
    """`before` and `after` are documents, or the text of the standard input."""
    halves = [
        None if half is None else {"stdin": half if isinstance(half, str) else json.dumps(half, indent=2)}
        for half in (before, after)
    ]
    return step(operation, NAMESPACE, COMMAND, f"cas-{key}-{what}", *halves, **more)


def rule(name: str, priority: int, source: str | list[str], *ports: int, access: str = "Allow", **more: Any) -> Step:
    """An inbound security rule as the program writes it; without ports, for all of them."""
    return {
        **{"name": name, "priority": priority, "direction": "Inbound", "access": access, "protocol": "Tcp"},
        **{"sourceAddressPrefixes" if isinstance(source, list) else "sourceAddressPrefix": source},
        **{"sourcePortRange": "*", "destinationAddressPrefix": "*"},
        **({"destinationPortRanges": [str(port) for port in ports]} if ports else {"destinationPortRange": "*"}),
        **more,
    }


def security(operation: str, before: Any, after: Any = None, name: str = "cas-security-group", **more: Any) -> Step:
    """`before` and `after` are lists of rules."""
    halves = ({"securityRules": half} for half in (before, before if after is None else after))
    return step(operation, NETWORK, GROUP, name, *halves, **more)


def interface(operation: str, key: str, before: str | None, after: str | None, **more: Any) -> Step:
    """`before` and `after` are ids of security groups."""
    halves: Iterable[Step] = ({"networkSecurityGroup": {"id": id}} if id else {"tags": {}} for id in (before, after))
    return step(operation, SERVER, NIC, f"cas-{key}-nic", *halves, **more)


def server(number: int, **more: Any) -> dict[str, Any]:
    return {"computerName": f"EX{number:02}", "address": f"10.0.0.{number}", **more}


def stack(**servers: Mapping[str, Any]) -> Step:
    """The stack's own step, with the outputs of the last run."""
    outputs = {
        "names": [f"autodiscover.{DOMAIN}", f"owa.{DOMAIN}"],
        "servers": {key: {"inRotation": True, **row} for key, row in servers.items()},
    }
    found = {"urn": "urn:pulumi:prod::exchange-cas::pulumi:pulumi:Stack::exchange-cas-prod"}
    state = {**found, "type": "pulumi:pulumi:Stack", "outputs": outputs}
    return {**found, "op": "same", "oldState": state, "newState": {**state, "outputs": {}}, "detailedDiff": None}


def digest(
    steps: Iterable[Step], servers: Mapping[str, Any], was: Mapping[str, Any] | None = None, **config: Any
) -> Step:
    """`servers`: of the stack file; `was`: those of the last outputs."""
    settings = {"servers": servers, **config}
    return {
        "config": {
            f"exchange-cas:{name}": value if isinstance(value, str) else json.dumps(value)
            for name, value in settings.items()
        },
        "steps": [stack(**(servers if was is None else was)), *steps],
        "changeSummary": {},
    }


def events(content: Step) -> list[str]:
    """The same as events of the engine, one per line."""
    found: list[dict[str, Any]] = [{"preludeEvent": {"config": content["config"]}}]
    for each in content["steps"]:
        diff = {key: {"diffKind": value["kind"]} for key, value in (each["detailedDiff"] or {}).items()}
        metadata = {"op": each["op"], "urn": each["urn"], "old": each.get("oldState"), "new": each.get("newState")}
        found.append({"resourcePreEvent": {"metadata": {**metadata, "detailedDiff": diff}}})
    found += ({"diagnosticEvent": entry} for entry in content.get("diagnostics", ()))
    found.append({"summaryEvent": {}})
    return [json.dumps({"sequence": number, **event}) for number, event in enumerate(found)]


def preview(path: Path, content: Step) -> Preview:
    file = path / "preview.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    return read_preview(file)


def found(path: Path, content: Step) -> list[Danger]:
    return find_dangers(Plan(preview(path, content)))


ONE, TWO, THREE, FOUR = (f"10.0.0.{number}" for number in range(1, 5))
TWO_SERVERS = SERVERS = {"ex01": server(1), "ex02": server(2)}
THREE_SERVERS = {**TWO_SERVERS, "ex03": server(3)}
OUT = {**TWO_SERVERS, "ex02": server(2, inRotation=False)}
DRAINED = records("update", [ONE, TWO], [ONE])


def change(*steps: Step, **config: Any) -> Step:
    """A digest with these steps, of a stack with two servers."""
    return digest(steps, SERVERS, **config)


def find_row(text: str, name: str) -> list[str]:
    """The cells of the one table row of a review that begins with this text."""
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {name}")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def public_address(operation: str, key: str, address: str | None = None, **more: Any) -> Step:
    old = {"outputs": {"ipAddress": address}} if address else {}
    return step(operation, SERVER, IP, f"cas-{key}-ip", {"publicIPAllocationMethod": "Static"}, old=old, **more)


def needing(*keys: str) -> dict[str, Any]:
    """What a record set with the public addresses of these servers depends on."""
    return {"propertyDependencies": {"aRecords": [urn(SERVER, IP, f"cas-{key}-ip") for key in keys]}}


def outside(before: list[str], after: list[str], *keys: str) -> Step:
    return records("update", before, after, type=PUBLIC, new=needing(*keys))
