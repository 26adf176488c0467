"""Which changes of inputs azure-native sees, and which drift a refresh carries over into them."""

from typing import Any

from rehearsal.stand_ins.provider.diff import Changes, find_changes

from .store import Json, normalise_location


def find_input_changes(old: Json, new: Json) -> Changes:
    """Ignores azure-native's own notes (`__…`), the form of a location and the case of a resource group's name."""
    return find_changes(_normalise(old), _normalise(new))


def merge_drift(inputs: Any, before: Any, after: Any) -> Any:
    """`inputs` with what changed from `before` to `after`, and nothing else."""
    if before == after:
        return inputs
    if isinstance(inputs, list) and isinstance(before, list) and isinstance(after, list):
        known = min(len(inputs), len(before))
        return [merge_drift(*entry) for entry in zip(inputs, before, after, strict=False)] + after[known:]
    if not (isinstance(inputs, dict) and isinstance(before, dict) and isinstance(after, dict)):
        return after
    kept = {key: value for key, value in inputs.items() if key in after or key not in before}
    drift = {
        key: merge_drift(inputs[key], before[key], value) if key in inputs and key in before else value
        for key, value in after.items()
        if before.get(key) != value
    }
    return kept | drift


def _normalise(bag: Json) -> Json:
    properties = {key: value for key, value in bag.items() if not key.startswith("__")}
    for name, normalise in (("location", normalise_location), ("resourceGroupName", str.lower)):
        if isinstance(properties.get(name), str):
            properties[name] = normalise(properties[name])
    return properties
