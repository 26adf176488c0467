"""What Azure is asked about a stack: what it would create, and what may have something in its way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from operations.adopt.look.conflicts import ZONE_OF
from operations.review.preview import is_unknown
from operations.review.resources import INTERFACE

AZURE = "azure-native:"
PRIVATE_RECORDS = "azure-native:privatedns:PrivateRecordSet"


def wanted(digest: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What of Azure would be created and can be asked for by now, and what may have something in its way.

    type; `inputs`: as much of its path as is known, and `path`, whether that is all; `create`. Those in ZONE_OF have
    the name of their `zone`; `zoneMade`, whether that is one of the stack's; the id of a link's `network` where it is
    known; and the `names` that clients look for in private zones. A new network interface has its `subnet`, where that
    is known, and its `address`.
    """
    zones, names = zones_made(digest), private_names(digest)
    for step in digest["steps"]:
        state = step.get("newState") or {}
        type, inputs = state.get("type", ""), state.get("inputs") or {}
        path = {name: value for name, value in inputs.items() if name.endswith(("Name", "Type")) or name == "name"}
        known = {name: value for name, value in path.items() if not is_unknown(value)}
        one = {"type": type, "inputs": known, "path": known.keys() == path.keys(), "create": step["op"] == "create"}
        if type in ZONE_OF:
            zone_type, name, _ = ZONE_OF[type]
            zone = known.get(name, zones.get(zone_type))
            network = (inputs.get("virtualNetwork") or {}).get("id")
            one |= {"zone": zone, "zoneMade": zones.get(zone_type) == zone, "names": names}
            one["network"] = None if is_unknown(network) or not zone else network
        if type == INTERFACE and one["create"]:
            one |= place_of(inputs)
        if (one["path"] and (one["create"] or type in ZONE_OF) and type.startswith(AZURE)) or (
            one.get("network") or one.get("subnet")
        ):
            yield step["urn"], one


def place_of(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The subnet and the address of a network interface; nothing where the subnet is made in the same run."""
    first = (inputs.get("ipConfigurations") or [{}])[0]
    subnet, address = (first.get("subnet") or {}).get("id"), first.get("privateIPAddress")
    return {} if is_unknown([subnet, address]) or not subnet or not address else {"subnet": subnet, "address": address}


def zones_made(digest: Mapping[str, Any]) -> dict[str, str]:
    """Type -> name of the zones that the stack has or would make: one of each."""
    found = {}
    for step in digest["steps"]:
        state = step.get("newState") or {}
        for zone_type, name, _ in ZONE_OF.values():
            if state.get("type") == zone_type:
                found[zone_type] = str(state["inputs"].get(name))
    return found


def private_names(digest: Mapping[str, Any]) -> list[str]:
    made = zones_made(digest)
    found = set()
    for step in digest["steps"]:
        state = step.get("newState") or {}
        if state.get("type") == PRIVATE_RECORDS:
            zone = state["inputs"].get("privateZoneName")
            zone = made.get(ZONE_OF[PRIVATE_RECORDS][0]) if is_unknown(zone) else zone
            found.add(f"{state['inputs'].get('relativeRecordSetName')}.{zone}")
    return sorted(found)


def called(one: Mapping[str, Any]) -> str:
    """As people call it: the name in DNS, or the link's zone; the name of another thing."""
    label = one["inputs"].get("relativeRecordSetName")
    if "zone" not in one:
        return str(one["inputs"].get("networkInterfaceName"))
    return f"{label}.{one['zone']}" if label else str(one["zone"])
