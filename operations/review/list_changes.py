"""Lists that change, item by item. Items with names are compared by name."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from operations.review.client_ranges import read_places, read_rule_values
from operations.review.labels import label_type
from operations.review.markdown import code
from operations.review.plan import Plan
from operations.review.preview import SECRET, PreviewStep, format_value
from operations.review.record_sets import has_addresses
from operations.review.redact import SECRET_NAME
from operations.review.resources import RECORD_SETS, SECURITY_GROUP, is_component, is_rotation_command
from operations.review.security_groups import RULES

Row = tuple[str, str, str, str, str]
ABSENT, ORDER = "absent", "(order)"


def find_list_changes(plan: Plan) -> list[tuple[str, list[Row]]]:
    """Titles and rows (resource, list, item, old, new) in Markdown. Security rules come first."""
    rules: list[Row] = []
    others: list[Row] = []
    for step in plan.preview.changes:
        if step.operation not in ("update", "replace") or is_component(step):
            continue
        for path, old, new in find_lists(step.before, step.after, ""):
            if not has_own_section(step, path):
                found = rules if step.type == SECURITY_GROUP and path == RULES else others
                label = f"{label_type(step)} {code(step.name)}"
                found += [(label, code(path), *row) for row in compare_lists(old, new, path)]
    return [("Security rules", rules), ("Changed lists", others)]


def has_own_section(step: PreviewStep, path: str) -> bool:
    """Addresses have their own section; the trigger of a rotation command is inRotation, a setting."""
    if step.type in RECORD_SETS and path == "aRecords":
        return has_addresses(step.before) and has_addresses(step.after)
    return path == "triggers" and is_rotation_command(step)


def find_lists(old: object, new: object, path: str) -> Iterator[tuple[str, Sequence[Any], Sequence[Any]]]:
    """Path, old and new of each list that differs, outside of list items. A missing list counts as empty."""
    if old == new:
        return
    if isinstance(old, list) or isinstance(new, list):
        halves = [half if isinstance(half, list) else [] if half is None else [half] for half in (old, new)]
        yield path, halves[0], halves[1]
    elif isinstance(old, Mapping) or isinstance(new, Mapping):
        one, other = (half if isinstance(half, Mapping) else {} for half in (old, new))
        for key in dict.fromkeys([*one, *other]):
            yield from find_lists(one.get(key), other.get(key), f"{path}.{key}" if path else str(key))


def compare_lists(old: Sequence[Any], new: Sequence[Any], path: str) -> Iterator[tuple[str, str, str]]:
    """Item, old and new."""
    if is_secret_name(path):
        yield "", code(SECRET), code(SECRET)
    elif (before := index_by_name(old)) is not None and (after := index_by_name(new)) is not None:
        yield from compare_named(before, after, path)
    else:
        yield from compare_nameless(old, new)


def index_by_name(given: Sequence[Any]) -> dict[str, Mapping[str, Any]] | None:
    """None if an item has no name, or shares it."""
    found = {item["name"]: item for item in given if isinstance(item, Mapping) and isinstance(item.get("name"), str)}
    return found if len(found) == len(given) else None


def compare_named(
    before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]], path: str
) -> Iterator[tuple[str, str, str]]:
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        keys = dict.fromkeys([*(old or {}), *(new or {})])
        differing = [key for key in keys if (old or {}).get(key) != (new or {}).get(key)]
        yield code(name), describe_item(old, differing, path), describe_item(new, differing, path)
    if [name for name in before if name in after] != [name for name in after if name in before]:
        yield ORDER, code(", ".join(before)), code(", ".join(after))


def describe_item(item: Mapping[str, Any] | None, keys: Sequence[str], path: str) -> str:
    """The whole of a security rule, of another item the keys that differ."""
    if item is None:
        return ABSENT
    some = {key: item[key] for key in keys if key in item}
    return code(describe_rule(item) if path == RULES else join_pairs(some, item) or f"no {', '.join(keys)}")


def compare_nameless(before: Sequence[Any], after: Sequence[Any]) -> Iterator[tuple[str, str, str]]:
    # Compared by their whole values: two different secrets have the same text.
    whole = {json.dumps(item, sort_keys=True): format_item(item) for item in (*before, *after)}
    counts = [Counter(json.dumps(item, sort_keys=True) for item in half) for half in (before, after)]
    gone, come = counts[0] - counts[1], counts[1] - counts[0]
    yield from (("", code(whole[item]), ABSENT) for item in gone.elements())
    yield from (("", ABSENT, code(whole[item])) for item in come.elements())
    if not gone and not come:
        yield ORDER, code(format_item(before)), code(format_item(after))


def format_item(value: object) -> str:
    if isinstance(value, Mapping):
        return (
            join_pairs(value, value)
            if len(value) != 1 or any(map(is_secret_name, value))
            else format_item(*value.values())
        )
    if isinstance(value, list):
        return ", ".join(map(format_item, value))
    return format_value(value)


def join_pairs(some: Mapping[str, Any], item: Mapping[str, Any]) -> str:
    """Some keys of an item with their values; the item's name may show that they are secret."""
    secret = is_secret_name(str(item.get("name", "")))
    hidden = {key for key in some if is_secret_name(key) or (secret and key != "name")}
    return "; ".join(f"{key}: {SECRET if key in hidden else format_item(part)}" for key, part in some.items())


def is_secret_name(name: str) -> bool:
    return bool(SECRET_NAME.search(name)) or name.lower().startswith("protected")


def describe_rule(rule: Mapping[str, Any]) -> str:
    """As `Allow Tcp from VirtualNetwork to port 443, priority 300`."""
    sources, ports = read_places(rule, "source"), read_rule_values(rule, "destinationPortRange")
    destinations = [place for place in read_places(rule, "destination") if place != "*"]
    source_ports = [port for port in read_rule_values(rule, "sourcePortRange") if port != "*"]
    access, protocol = format_value(rule.get("access")), format_value(rule.get("protocol"))
    parts = [f"{access} {protocol} from {format_item(sources)} to port {format_item(ports)}"]
    parts += [f"to {format_item(destinations)}"] if destinations else []
    parts += [f"from port {format_item(source_ports)}"] if source_ports else []
    parts += [] if str(rule.get("direction", "Inbound")).lower() == "inbound" else [format_value(rule["direction"])]
    return ", ".join([*parts, f"priority {format_value(rule.get('priority'))}"])
