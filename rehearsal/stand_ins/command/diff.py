"""The command provider compares old inputs with new ones, and nothing else."""

from __future__ import annotations

from pulumi.runtime.proto import provider_pb2 as pb

from rehearsal.stand_ins.command.check import InputRecord
from rehearsal.stand_ins.provider.diff import describe_changes, find_changes
from rehearsal.stand_ins.provider.values import UNKNOWN, Properties, are_equal


def diff_inputs(record: InputRecord, old: Properties, new: Properties) -> pb.DiffResponse:
    """A change of a whole `triggers` list replaces; a change inside it, and any other, updates."""
    changes = find_changes(old, new)
    replaces = [path for path in changes if path in record.fields and record.fields[path].replaces]
    return describe_changes(changes, replaces, of_inputs=False)


def makes_outputs_unknown(record: InputRecord, old: Properties, new: Properties) -> bool:
    """Whether a preview of an update from the state `old` to the inputs `new` cannot know the outputs.

    An added input counts only if it is unknown: the provider looks at the inputs that the state has.
    """
    return any(
        new.get(name) == UNKNOWN or (name in old and not are_equal(old[name], new.get(name))) for name in record.fields
    )
