"""Names and locations that azure-native fills in if the program omits them."""

import hashlib
import secrets
from collections.abc import Callable

from pulumi.runtime.proto import provider_pb2

from rehearsal.stand_ins.provider.values import UNKNOWN

from .resource_types import ResourceType
from .schema import read_schema
from .store import Json

# azure-native's internal note in a resource's inputs: the name is random, so a replacement can be created first.
RANDOMLY_NAMED = "__createBeforeDelete"

_Naming = provider_pb2.CheckRequest.AutonamingOptions


def fill_in(
    kind: ResourceType,
    logical_name: str,
    olds: Json,
    news: Json,
    *,
    seed: bytes,
    naming: _Naming | None,
    location: str | None,
    group_location: Callable[[str], str | None],
) -> Json:
    """`news` with the name, the location and the API version that azure-native would add.

    location: from the provider's configuration. group_location: a resource group's location, None without a group.
    """
    filled = dict(news)
    name = kind.name_parameter
    if name not in filled:
        if name in olds:
            filled.update({key: olds[key] for key in (name, RANDOMLY_NAMED) if key in olds})
        else:
            filled.update(_choose_name(kind, logical_name, seed, naming))
    if "location" not in filled and "location" in read_schema(kind.type).inputs:
        default = (
            olds.get("location") or location or _find_group_location(filled.get("resourceGroupName"), group_location)
        )
        filled.update({"location": default} if default else {})
    filled.setdefault("azureApiVersion", kind.api_version)
    return filled


def _find_group_location(name: str | None, group_location: Callable[[str], str | None]) -> str | None:
    if name is None or name == UNKNOWN:
        return name
    return group_location(name)


def _choose_name(kind: ResourceType, logical_name: str, seed: bytes, naming: _Naming | None) -> Json:
    if naming is not None and naming.mode == _Naming.Mode.DISABLE:
        return {}
    if naming is not None:
        return {kind.name_parameter: naming.proposed_name, RANDOMLY_NAMED: True}
    if kind.is_child:
        return {kind.name_parameter: logical_name}
    digits = hashlib.sha256(seed + logical_name.encode()).hexdigest()[:8] if seed else secrets.token_hex(4)
    return {kind.name_parameter: logical_name + digits, RANDOMLY_NAMED: True}
