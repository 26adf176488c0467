"""Public and private zones and their record sets."""

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from uuid import uuid4

from rehearsal.stand_ins.dns import RecordSet

from ..errors import ArmError
from ..put import Put
from ..resource_types import RESOURCE_TYPES
from ..store import Json, Resource

_MOST_RECORDS = 20
_TTLS = range(1, 2**31)
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_ZONE = re.compile(rf"{_LABEL}(\.{_LABEL})+", re.IGNORECASE)
_RECORD_SET = re.compile(rf"@|(\*|{_LABEL})(\.{_LABEL})*", re.IGNORECASE)

# Record type -> property of its records, and the value in each of them as text.
RECORDS: dict[str, tuple[str, str]] = {
    "A": ("aRecords", "{ipv4Address}"),
    "AAAA": ("aaaaRecords", "{ipv6Address}"),
    "CNAME": ("cnameRecord", "{cname}"),
    "MX": ("mxRecords", "{preference} {exchange}"),
    "NS": ("nsRecords", "{nsdname}"),
    "PTR": ("ptrRecords", "{ptrdname}"),
    "SRV": ("srvRecords", "{priority} {weight} {port} {target}"),
    "TXT": ("txtRecords", "{value}"),
}

# Type of a record set -> the path parameter that names its zone.
RECORD_SET_TYPES = {"dns:RecordSet": "zoneName", "privatedns:PrivateRecordSet": "privateZoneName"}

_FORMS: dict[str, Callable[[str], object]] = {"A": IPv4Address, "AAAA": IPv6Address}


def apply_zone(put: Put) -> None:
    _check_zone(put)
    if put.body.setdefault("zoneType", "Public") != "Public":
        raise ArmError(400, "BadRequest", f"{put.name}: private zones are privatedns:PrivateZone resources.")
    servers = [f"ns{number}-01.azure-dns.{end}." for number, end in enumerate(("com", "net", "org", "info"), start=1)]
    put.body.update({"nameServers": servers, "maxNumberOfRecordSets": 10000, "numberOfRecordSets": 2})


def apply_private_zone(put: Put) -> None:
    _check_zone(put)
    put.body.update({"maxNumberOfRecordSets": 25000, "maxNumberOfVirtualNetworkLinks": 1000, "numberOfRecordSets": 1})


def apply_virtual_network_link(put: Put) -> None:
    put.require("virtualNetwork.id")
    _check_location(put)
    put.refuse_changes("virtualNetwork")
    network = put.value("virtualNetwork.id").lower()
    own_zone = put.parameters["privateZoneName"].lower()
    for link in put.store.of_type(put.kind.type):
        if link.id.lower() == put.id.lower() or link.body["virtualNetwork"]["id"].lower() != network:
            continue
        if link.id.split("/")[-3].lower() == own_zone:
            raise ArmError(
                400,
                "BadRequest",
                "A virtual network cannot be linked to multiple zones with overlapping namespaces. You tried to link "
                f"virtual network with '{own_zone}' and '{own_zone}' zones.",
            )
        if put.value("registrationEnabled") and link.body.get("registrationEnabled"):
            raise ArmError(409, "Conflict", f"{put.name}: the network is registered in another private zone already.")
    put.body.setdefault("registrationEnabled", False)
    put.body["virtualNetworkLinkState"] = "Completed"


def apply_record_set(put: Put) -> None:
    """Public and private record sets have the same rules."""
    kind = put.parameters["recordType"]
    if kind not in RECORDS:
        raise ArmError(400, "BadRequest", f"{put.name}: the stand-in does not support record type {kind}.")
    if not _RECORD_SET.fullmatch(put.name):
        raise ArmError(400, "BadRequest", f"The domain name '{put.name}' is invalid.")
    if not (isinstance(put.value("ttl"), int) and put.value("ttl") in _TTLS):
        raise ArmError(
            400, "BadRequest", f"{put.name}: the TTL must be between 1 and 2147483647, not {put.value('ttl')}."
        )
    _refuse_other_records(put, kind)
    _check_values(put, kind)
    _check_aliases(put, kind)
    zone_name = put.parameters.get("zoneName") or put.parameters["privateZoneName"]
    put.body["fqdn"] = f"{zone_name}." if put.name == "@" else f"{put.name}.{zone_name}."
    put.body["type"] = put.kind.arm_type(put.parameters)


def read_record_set(resource: Resource) -> RecordSet:
    """The record set in the form that a DNS server needs."""
    names = RESOURCE_TYPES[resource.type].match(resource.id)
    assert names is not None
    return RecordSet(
        zone=names[RECORD_SET_TYPES[resource.type]],
        name=names["relativeRecordSetName"],
        type=names["recordType"].upper(),
        ttl=int(resource.body["ttl"]),
        values=record_values(resource.body, names["recordType"].upper()),
        private=resource.type == "privatedns:PrivateRecordSet",
    )


def record_values(body: Json, kind: str) -> tuple[str, ...]:
    """The records of a record set as text, in their order."""
    property_name, form = RECORDS[kind]
    records = body.get(property_name) or []
    entries = records if isinstance(records, list) else [records]
    return tuple(form.format_map(_join_texts(entry)) for entry in entries)


def _join_texts(record: Json) -> Json:
    return {key: " ".join(value) if isinstance(value, list) else value for key, value in record.items()}


def _check_zone(put: Put) -> None:
    _check_location(put)
    if not _ZONE.fullmatch(put.name):
        raise ArmError(400, "BadRequest", f"The zone name '{put.name}' is invalid: it needs two or more labels.")
    put.keep("internalId", uuid4().hex)


def _check_location(put: Put) -> None:
    if str(put.value("location")).lower() != "global":
        raise ArmError(
            400,
            "LocationNotAvailableForResourceType",
            f"The provided location '{put.value('location')}' is not available for resource type "
            f"'{put.kind.arm_type(put.parameters)}'. List of available regions for the resource type is 'global'.",
        )


def _refuse_other_records(put: Put, kind: str) -> None:
    own = RECORDS[kind][0]
    foreign = [name for name, _ in RECORDS.values() if name != own and put.value(name)]
    if foreign:
        raise ArmError(400, "BadRequest", f"{put.name}: a record set of type {kind} cannot hold {', '.join(foreign)}.")


def _check_values(put: Put, kind: str) -> None:
    values = record_values(put.body, kind)
    if len(values) > _MOST_RECORDS:
        raise ArmError(
            400, "BadRequest", f"{put.name}: {len(values)} records; a record set holds at most {_MOST_RECORDS}."
        )
    if len(set(values)) < len(values):
        raise ArmError(400, "BadRequest", f"{put.name}: a record set cannot hold the same record twice.")
    for value in values:
        try:
            _FORMS.get(kind, str)(value)
        except ValueError:
            raise ArmError(400, "BadRequest", f"{put.name}: '{value}' is not an address of an {kind} record.") from None


def _check_aliases(put: Put, kind: str) -> None:
    """A CNAME cannot share its name with another record. Addresses beside a delegation are refused, too: DNS never
    answers them, and how Azure reacts is not documented."""
    if kind == "CNAME" and put.name == "@":
        raise ArmError(400, "BadRequest", "A CNAME record set cannot be at the zone's apex.")
    for other in _find_same_name(put):
        other_kind = other.id.split("/")[-2].upper()
        delegated = put.name != "@" and {kind, other_kind} & {"NS"} and {kind, other_kind} & {"A", "AAAA"}
        if other_kind != kind and ("CNAME" in (kind, other_kind) or delegated):
            what = "another record" if kind == "CNAME" else f"a {other_kind} record"
            reason = f"because {what} with the same name already exists in this zone."
            raise ArmError(409, "Conflict", f"The {kind} record could not be created {reason}")


def _find_same_name(put: Put) -> list[Resource]:
    zone_prefix = f"{put.parent_id}/".lower()
    return [
        entry
        for entry in put.store.of_type(put.kind.type)
        if entry.id.lower().startswith(zone_prefix) and entry.id.rsplit("/", 1)[1].lower() == put.name.lower()
    ]
