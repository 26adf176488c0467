"""The record sets of the subscription, as a DNS server needs them."""

from dataclasses import dataclass

from .resource_types import RESOURCE_TYPES
from .rules.dns import values_of
from .store import Resource

# Type of a record set -> the path parameter that names its zone.
RECORD_SET_TYPES = {"dns:RecordSet": "zoneName", "privatedns:PrivateRecordSet": "privateZoneName"}


@dataclass(frozen=True, kw_only=True)
class RecordSet:
    """One record set. name: relative to the zone, "@" at its apex. values: the records as text, in the order given."""

    zone: str
    name: str
    type: str
    ttl: int
    values: tuple[str, ...]
    private: bool


def record_set(entry: Resource) -> RecordSet:
    """The record set that a resource of such a type stands for."""
    names = RESOURCE_TYPES[entry.type].match(entry.id)
    assert names is not None
    return RecordSet(
        zone=names[RECORD_SET_TYPES[entry.type]],
        name=names["relativeRecordSetName"],
        type=names["recordType"].upper(),
        ttl=int(entry.body["ttl"]),
        values=values_of(entry.body, names["recordType"].upper()),
        private=entry.type == "privatedns:PrivateRecordSet",
    )
