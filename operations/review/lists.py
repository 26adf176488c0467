"""Lists that change, item by item: by name where the items have one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from operations.review.admission import GROUP, RULES
from operations.review.clients import places, values
from operations.review.labels import is_component, part
from operations.review.markdown import code
from operations.review.plan import COMMAND, RECORD_SETS, Plan, has_addresses
from operations.review.preview import SECRET, PreviewStep
from operations.review.redact import TELLING
from operations.review.values import plain

Row = tuple[str, str, str, str, str]
ABSENT, ORDER = "not there", "(order)"


def items(plan: Plan) -> list[tuple[str, str, list[Row]]]:
    """Title, lead and rows: part, list, item, old and new, in Markdown. First the rules that let somebody in."""
    rules: list[Row] = []
    others: list[Row] = []
    for step in plan.preview.changes:
        if step.operation not in ("update", "replace") or is_component(step):
            continue
        for path, old, new in lists(step.before, step.after, ""):
            if not told_elsewhere(step, path):
                found = rules if step.type == GROUP and path == RULES else others
                label = f"{part(step)} {code(step.name)}"
                found += [(label, code(path), *row) for row in differences(old, new, path)]
    lead = "Only what differs is named."
    return [("Who is let in", lead, rules), ("Lists that change", lead, others)]


def told_elsewhere(step: PreviewStep, path: str) -> bool:
    """Addresses behind names have a section of their own, and the trigger of a gate is inRotation."""
    if step.type in RECORD_SETS and path == "aRecords":
        return has_addresses(step.before) and has_addresses(step.after)
    return step.type == COMMAND and path == "triggers" and step.name.endswith("-rotation")


def lists(old: object, new: object, path: str) -> Iterator[tuple[str, Sequence[Any], Sequence[Any]]]:
    """Path, old and new of each list that differs; none is an empty one. Not inside of items."""
    if old == new:
        return
    if isinstance(old, list) or isinstance(new, list):
        halves = [half if isinstance(half, list) else [] if half is None else [half] for half in (old, new)]
        yield path, halves[0], halves[1]
    elif isinstance(old, Mapping) or isinstance(new, Mapping):
        one, other = (half if isinstance(half, Mapping) else {} for half in (old, new))
        for key in dict.fromkeys([*one, *other]):
            yield from lists(one.get(key), other.get(key), f"{path}.{key}" if path else str(key))


def differences(old: Sequence[Any], new: Sequence[Any], path: str) -> Iterator[tuple[str, str, str]]:
    """Item, old and new."""
    if is_secret(path):
        yield "", code(SECRET), code(SECRET)
    elif (before := by_name(old)) is not None and (after := by_name(new)) is not None:
        yield from of_named(before, after, path)
    else:
        yield from of_nameless(old, new)


def by_name(given: Sequence[Any]) -> dict[str, Mapping[str, Any]] | None:
    """None where an item has no name of its own."""
    found = {item["name"]: item for item in given if isinstance(item, Mapping) and isinstance(item.get("name"), str)}
    return found if len(found) == len(given) else None


def of_named(
    before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]], path: str
) -> Iterator[tuple[str, str, str]]:
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        keys = dict.fromkeys([*(old or {}), *(new or {})])
        differing = [key for key in keys if (old or {}).get(key) != (new or {}).get(key)]
        yield code(name), described(old, differing, path), described(new, differing, path)
    if [name for name in before if name in after] != [name for name in after if name in before]:
        yield ORDER, code(", ".join(before)), code(", ".join(after))


def described(item: Mapping[str, Any] | None, keys: Sequence[str], path: str) -> str:
    """Of a security rule all, of another item what differs."""
    if item is None:
        return ABSENT
    some = {key: item[key] for key in keys if key in item}
    return code(rule_text(item) if path == RULES else pairs(some, item) or f"no {', '.join(keys)}")


def of_nameless(before: Sequence[Any], after: Sequence[Any]) -> Iterator[tuple[str, str, str]]:
    # Two different secrets look the same.
    whole = {json.dumps(item, sort_keys=True): text(item) for item in (*before, *after)}
    counts = [Counter(json.dumps(item, sort_keys=True) for item in half) for half in (before, after)]
    gone, come = counts[0] - counts[1], counts[1] - counts[0]
    yield from (("", code(whole[item]), ABSENT) for item in gone.elements())
    yield from (("", ABSENT, code(whole[item])) for item in come.elements())
    if not gone and not come:
        yield ORDER, code(text(before)), code(text(after))


def text(value: object) -> str:
    if isinstance(value, Mapping):
        return pairs(value, value) if len(value) != 1 or any(map(is_secret, value)) else text(*value.values())
    if isinstance(value, list):
        return ", ".join(map(text, value))
    return plain(value)


def pairs(some: Mapping[str, Any], item: Mapping[str, Any]) -> str:
    """Some of an item's keys with their values; a name of its own may tell that they are secret."""
    secret = is_secret(str(item.get("name", "")))
    told = {key: SECRET if is_secret(key) or (secret and key != "name") else text(part) for key, part in some.items()}
    return "; ".join(f"{key}: {part}" for key, part in told.items())


def is_secret(name: str) -> bool:
    return bool(TELLING.search(name)) or name.lower().startswith("protected")


def rule_text(rule: Mapping[str, Any]) -> str:
    """As it is read: Allow Tcp from VirtualNetwork to port 443, priority 300."""
    ports = ", ".join(map(plain, values(rule, "destinationPortRange")))
    where = [plain(place) for place in places(rule, "destination") if place != "*"]
    rest = [f"to {', '.join(where)}"] if where else []
    rest += [f"from port {', '.join(given)}" for given in [values(rule, "sourcePortRange")] if given not in ([], ["*"])]
    rest += [] if str(rule.get("direction", "Inbound")).lower() == "inbound" else [plain(rule["direction"])]
    sources = ", ".join(map(plain, places(rule, "source")))
    words = f"{plain(rule.get('access'))} {plain(rule.get('protocol'))} from {sources} to port {ports}"
    return ", ".join([words, *rest, f"priority {plain(rule.get('priority'))}"])
