"""The questions about a stack that only Azure can answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from operations.adopt.azure_program.conflicts import ZONE_OF
from operations.review.preview import is_unknown
from operations.review.resources import INTERFACE

AZURE = "azure-native:"
PRIVATE_RECORDS = "azure-native:privatedns:PrivateRecordSet"


def list_questions(digest: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """URN and question for each resource that may exist, or may have a conflict; from the digest of a preview.

    `type`; `inputs`: the known parts of its path; `path`: whether those are all parts; `create`: whether the next `up`
    creates it. For types in ZONE_OF also `zone`, its name; `zoneMade`: whether the stack makes that zone; `network`:
    the id of a link's network, if known; `names`: what clients look up in private zones. For a new network interface
    also `subnet` and `address`, if known.
    """
    zones, names = find_zones(digest), list_private_names(digest)
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
            one |= read_placement(inputs)
        if (one["path"] and (one["create"] or type in ZONE_OF) and type.startswith(AZURE)) or (
            one.get("network") or one.get("subnet")
        ):
            yield step["urn"], one


def read_placement(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """`subnet` and `address` of a network interface; empty where the same run creates the subnet."""
    first = (inputs.get("ipConfigurations") or [{}])[0]
    subnet, address = (first.get("subnet") or {}).get("id"), first.get("privateIPAddress")
    return {} if is_unknown([subnet, address]) or not subnet or not address else {"subnet": subnet, "address": address}


def find_zones(digest: Mapping[str, Any]) -> dict[str, str]:
    """Type -> name of the zone that the stack has or would make: one of each type."""
    found = {}
    for step in digest["steps"]:
        state = step.get("newState") or {}
        for zone_type, name, _ in ZONE_OF.values():
            if state.get("type") == zone_type:
                found[zone_type] = str(state["inputs"].get(name))
    return found


def list_private_names(digest: Mapping[str, Any]) -> list[str]:
    """The full names of the record sets in private zones."""
    zones = find_zones(digest)
    found = set()
    for step in digest["steps"]:
        state = step.get("newState") or {}
        if state.get("type") == PRIVATE_RECORDS:
            zone = state["inputs"].get("privateZoneName")
            zone = zones.get(ZONE_OF[PRIVATE_RECORDS][0]) if is_unknown(zone) else zone
            found.add(f"{state['inputs'].get('relativeRecordSetName')}.{zone}")
    return sorted(found)


def display_name(question: Mapping[str, Any]) -> str:
    """The full name in DNS of a record set, the zone of a link, the name of a network interface."""
    label = question["inputs"].get("relativeRecordSetName")
    if "zone" not in question:
        return str(question["inputs"].get("networkInterfaceName"))
    return f"{label}.{question['zone']}" if label else str(question["zone"])
