"""The file for `pulumi import --file`, and the command that reads it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def build_import_command(file: Path, stack: str) -> list[str]:
    """Without protection, which the stack file decides; without code, which the program has already."""
    return ["pulumi", "import", "--file", str(file), "--stack", stack, "--protect=false", "--generate-code=false"]


def select_resources(skeleton: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    """The resources with these URNs under their ids, and the components around them.

    `skeleton` is the file that `pulumi preview --import-file` writes, `ids` URN -> id in Azure.
    """
    places, place_ids = find_places(skeleton), {strip_stack(urn): id for urn, id in ids.items()}
    by_name = {row["name"]: row for row in skeleton["resources"]}
    found = {name for name in by_name if places[name] in place_ids}
    kept = set(found)
    for name in found:
        parent = by_name[name].get("parent")
        while parent in by_name:
            kept.add(parent)
            parent = by_name[parent].get("parent")
    resources = [
        {**row, "id": place_ids[places[row["name"]]]} if row["name"] in found else row
        for row in skeleton["resources"]
        if row["name"] in kept
    ]
    table = {"nameTable": skeleton["nameTable"]} if skeleton.get("nameTable") else {}
    return {**table, "resources": resources}


def find_places(skeleton: Mapping[str, Any]) -> dict[str, str]:
    """Name in the file -> URN without stack and project. In the file parents come before their children."""
    places = {name: strip_stack(urn) for name, urn in (skeleton.get("nameTable") or {}).items()}
    for row in skeleton["resources"]:
        parent = places.get(row.get("parent", ""), "")
        prefix = f"{parent.rpartition('::')[0]}$" if parent else ""
        places[row["name"]] = f"{prefix}{row['type']}::{row.get('logicalName', row['name'])}"
    return places


def strip_stack(urn: str) -> str:
    """A URN without stack and project: the types of its parents, its type, its name."""
    return urn.split("::", 2)[2]
