"""Hosts in services' URLs without a record of the stack: elsewhere other DNS servers have it, here the stand-in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from components import namespace
from components.namespace_args import NamespaceArgs
from rehearsal.stand_ins.dns import RecordSet


def list_client_hosts(wanted: NamespaceArgs) -> set[str]:
    """The hosts in the URLs for clients, internal and external, and the names of the namespace."""
    named = namespace.client_hosts(namespace.exchange_settings(wanted)).values()
    return {*namespace.client_names(wanted).list_all(), *(host.lower() for hosts in named for host in hosts)}


def list_hosts_elsewhere(wanted: NamespaceArgs) -> list[str]:
    return sorted(list_client_hosts(wanted) - set(namespace.client_names(wanted).list_all()))


def add_missing_records(rows: Sequence[RecordSet], wanted: NamespaceArgs) -> Iterator[RecordSet]:
    """The rows, and one for each host without a record, with the same servers as that side's client name."""
    yield from rows
    names = namespace.client_names(wanted)
    for row in rows:
        client = names.client if row.private else names.external_client
        if row.type == "A" and record_host(row) == client:
            for host in list_hosts_without_record(wanted, rows):
                yield replace(row, zone=host, name="@")


def list_hosts_without_record(wanted: NamespaceArgs, rows: Sequence[RecordSet]) -> list[str]:
    known = {record_host(row) for row in rows}
    return [host for host in list_hosts_elsewhere(wanted) if host not in known]


def record_host(row: RecordSet) -> str:
    return (row.zone if row.name == "@" else f"{row.name}.{row.zone}").lower()
