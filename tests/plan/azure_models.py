"""Whether Azure accepts a resource's inputs, according to the models in Azure's SDKs for Python.

azure-native flattens `properties` and spells some names in another case; everything else is as in the REST interface.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from functools import cache
from typing import Any

from azure.mgmt.compute import models as compute
from azure.mgmt.devtestlabs import models as devtestlabs  # type: ignore[import-untyped]
from azure.mgmt.dns import models as dns
from azure.mgmt.network import models as network
from azure.mgmt.privatedns import models as privatedns

from rehearsal.stand_ins.azure_native.resource_types import RESOURCE_TYPES
from tests.plan.recorder import Registration
from tests.plan.wire import UNKNOWN, strip_secrets

PREFIX = "azure-native:"
# azure-native's type -> Azure's model; the resource group's model is in another package, which is not installed.
MODELS: Mapping[str, Any] = {
    "compute:Disk": compute.Disk,
    "compute:AvailabilitySet": compute.AvailabilitySet,
    "compute:VirtualMachine": compute.VirtualMachine,
    "compute:VirtualMachineExtension": compute.VirtualMachineExtension,
    "compute:VirtualMachineRunCommandByVirtualMachine": compute.VirtualMachineRunCommand,
    "devtestlab:GlobalSchedule": devtestlabs.Schedule,
    "dns:RecordSet": dns.RecordSet,
    "dns:Zone": dns.Zone,
    "network:NatGateway": network.NatGateway,
    "network:NetworkInterface": network.NetworkInterface,
    "network:NetworkSecurityGroup": network.NetworkSecurityGroup,
    "network:PublicIPAddress": network.PublicIPAddress,
    "network:Subnet": network.Subnet,
    "network:VirtualNetwork": network.VirtualNetwork,
    "privatedns:PrivateRecordSet": privatedns.RecordSet,
    "privatedns:PrivateZone": privatedns.PrivateZone,
    "privatedns:VirtualNetworkLink": privatedns.VirtualNetworkLink,
}
# Azure says that this enumeration is out of date: a region's sizes have to be queried.
OPEN = {"vm_size"}
UNMODELLED = {"resources:ResourceGroup"}

SCALARS: Mapping[str, type | tuple[type, ...]] = {
    "str": str,
    "int": int,
    "bool": bool,
    "float": (int, float),
    "long": int,
    # What an extension alone can check.
    "object": dict,
}
RULES: Mapping[str, Callable[[Any, Any], bool]] = {
    "minimum": lambda value, least: value >= least,
    "maximum": lambda value, most: value <= most,
    "min_length": lambda value, least: len(value) >= least,
    "max_length": lambda value, most: len(value) <= most,
    "max_items": lambda value, most: len(value) <= most,
    "min_items": lambda value, least: len(value) >= least,
    "pattern": lambda value, pattern: re.search(pattern, value) is not None,
    "unique": lambda value, _: len({str(part) for part in value}) == len(value),
}


def takes_tags(resource_type: str) -> bool:
    kind = resource_type.removeprefix(PREFIX)
    return kind in UNMODELLED or "tags" in getattr(MODELS.get(kind), "_attribute_map", {})


def find_refusals(one: Registration) -> Iterator[str]:
    """Each input that Azure would refuse, one sentence each. Raises KeyError for an unknown type."""
    kind = one.type.removeprefix(PREFIX)
    if kind in UNMODELLED:
        return
    path = RESOURCE_TYPES[kind].parameters
    inputs = strip_secrets(dict(one.inputs))
    for parameter in path:
        if not inputs.get(parameter):
            yield f"{one.name}: {parameter} is missing in the path"
    body = {key: value for key, value in inputs.items() if key not in path}
    model = MODELS[kind]
    if "location" in model._attribute_map:
        # The provider fills in the stack's region.
        body.setdefault("location", "westeurope")
    yield from (f"{one.name}: {breach}" for breach in check_model(model, body, ""))


def check_model(model: Any, body: Any, path: str) -> Iterator[str]:
    if not isinstance(body, Mapping):
        yield f"{path} = {body!r} is not a {model.__name__}"
        return
    known = {spec["key"].rpartition(".")[2].lower(): name for name, spec in model._attribute_map.items()}
    given: dict[str, Any] = {}
    for key, value in body.items():
        if (name := known.get(key.lower())) is None:
            yield f"{path}{key} is not a property of {model.__name__}"
        else:
            given[name] = value
    for name, spec in model._attribute_map.items():
        rules = dict(model._validation.get(name, {}))
        readonly, required, constant = (rules.pop(rule, False) for rule in ("readonly", "required", "constant"))
        if name not in given or given[name] is None:
            if required and not readonly and not constant:
                yield f"{path}{name} is missing in {model.__name__}"
        elif readonly:
            yield f"{path}{name} is read-only"
        else:
            yield from check_shape(model, spec["type"], given[name], f"{path}{name}")
            yield from check_choice(model, name, given[name], f"{path}{name}")
            if given[name] is not UNKNOWN:
                broken = (rule for rule, bound in rules.items() if not RULES[rule](given[name], bound))
                yield from (f"{path}{name} = {given[name]!r} breaks {rule}" for rule in broken)


def check_shape(model: Any, kind: str, value: Any, path: str) -> Iterator[str]:
    """`kind` as the models write it: str, [str], {str}, or the name of a model."""
    if value is UNKNOWN:
        return
    if kind[0] in "[{":
        if not isinstance(value, list if kind[0] == "[" else Mapping):
            yield f"{path} = {value!r} is not of type {kind}"
            return
        for index, part in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from check_shape(model, kind[1:-1], part, f"{path}[{index}]")
    elif kind in SCALARS:
        if not isinstance(value, SCALARS[kind]) or (isinstance(value, bool) and kind != "bool"):
            yield f"{path} = {value!r} is not of type {kind}"
    else:
        yield from check_model(getattr(sys.modules[model.__module__.rpartition(".")[0]], kind), value, f"{path}.")


def check_choice(model: Any, name: str, value: Any, path: str) -> Iterator[str]:
    allowed = frozenset[str]() if name in OPEN else read_choices(model, name)
    for one in value if isinstance(value, list) else [value]:
        if allowed and one is not UNKNOWN and str(one) not in allowed:
            yield f"{path} = {one!r} is not one of {', '.join(sorted(allowed))}"


@cache
def read_choices(model: Any, name: str) -> frozenset[str]:
    """The values of a property's enumeration, which the models name in their descriptions only; else empty."""
    found = re.search(rf":(?:var)?type {name}: (?:list\[)?str or\s+~[\w.]+\.(\w+)", model.__doc__ or "")
    if found is None:
        return frozenset()
    words: type[Enum] = getattr(sys.modules[model.__module__.rpartition(".")[0]], found[1])
    return frozenset(str(word.value) for word in words)
