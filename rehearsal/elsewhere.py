"""Hosts in services' URLs of which the stack makes no record: other DNS servers hold one, here the stand-in does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from components import namespace
from components.namespace_args import NamespaceArgs
from rehearsal.stand_ins.dns import RecordSet


def every_host(wanted: NamespaceArgs) -> set[str]:
    """The hosts that clients are sent to, inside and outside, and the names of the namespace."""
    told = namespace.client_hosts(namespace.exchange_settings(wanted)).values()
    return {*namespace.client_names(wanted).every(), *(host.lower() for hosts in told for host in hosts)}


def hosts_elsewhere(wanted: NamespaceArgs) -> list[str]:
    return sorted(every_host(wanted) - set(namespace.client_names(wanted).every()))


def with_elsewhere(rows: Sequence[RecordSet], wanted: NamespaceArgs) -> Iterator[RecordSet]:
    """The rows, and for each host elsewhere one that leads to the same servers as the client name of that side."""
    yield from rows
    names = namespace.client_names(wanted)
    for row in rows:
        client = names.client if row.private else names.external_client
        if row.type == "A" and full_name(row) == client:
            for host in missing(hosts_elsewhere(wanted), rows):
                yield replace(row, zone=host, name="@")


def missing(hosts: Iterable[str], rows: Sequence[RecordSet]) -> list[str]:
    known = {full_name(row) for row in rows}
    return [host for host in hosts if host not in known]


def full_name(row: RecordSet) -> str:
    return (row.zone if row.name == "@" else f"{row.name}.{row.zone}").lower()
