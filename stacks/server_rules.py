"""Rules for the servers of a stack file: their number, keys, names and addresses, and what existing ones need."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv4Network

from components.args import MAX_SERVERS, FarmArgs, ServerArgs
from components.rules import MIN_ADDRESSES
from stacks.problems import MISSING, UNREAD, Report, UnreadError


def readable_servers(farm: FarmArgs) -> Iterator[tuple[str, ServerArgs]]:
    """Leaves out servers that could not be read."""
    return ((name, server) for name, server in farm.servers.items() if server is not UNREAD)


def check_number_of_servers(farm: FarmArgs, report: Report) -> None:
    count = len(farm.servers)
    if not 1 <= count <= MAX_SERVERS:
        remedy = f"is not a possible number of servers. Write 1 to {MAX_SERVERS}: a record set holds no more."
        report("servers", count, remedy)
        return
    rotating = sum(server.in_rotation for server in farm.servers.values())
    if rotating == 0:
        remedy = "No server is in rotation, so both names would have no address. Set inRotation: true."
        report("servers", MISSING, remedy)
    elif rotating < MIN_ADDRESSES and not farm.allow_single_server:
        remedy = (
            "Only one server is in rotation, so its loss would stop the service. "
            "Add a server, set inRotation: true on another one, or set allowSingleServer: true."
        )
        report("servers", MISSING, remedy)


def check_computer_names(farm: FarmArgs, report: Report) -> None:
    check_unique_among_servers(farm, "computerName", lambda server: server.computer_name, report)


def check_addresses(farm: FarmArgs, report: Report) -> None:
    check_unique_among_servers(farm, "address", lambda server: server.address, report)


def check_external_addresses(farm: FarmArgs, report: Report) -> None:
    check_unique_among_servers(farm, "externalAddress", lambda server: server.external_address, report)


def check_unique_among_servers(
    farm: FarmArgs, key: str, value_of: Callable[[ServerArgs], str | None], report: Report
) -> None:
    values: dict[str, str] = {}
    for name, server in readable_servers(farm):
        try:
            value = value_of(server)
        except UnreadError:
            continue
        if value:
            values[name] = value
    counted = Counter(value.lower() for value in values.values())
    for name, value in values.items():
        if counted[value.lower()] > 1:
            report(f"servers.{name}.{key}", value, "is used by more than one server. Give each server its own.")


def check_key_of_server(_: FarmArgs, name: str, __: ServerArgs, report: Report) -> None:
    if not (name.isascii() and name.isalnum() and name.islower()):
        report(f"servers.{name}", MISSING, "Write the server's key in lower-case letters and digits, such as ex01.")


def check_address_in_subnet(farm: FarmArgs, name: str, server: ServerArgs, report: Report) -> None:
    if server.existing:
        return
    subnet = IPv4Network(farm.network.subnet_prefix)
    # Azure reserves the first four addresses of a subnet and the last one.
    first, last = subnet.network_address + 4, subnet.broadcast_address - 1
    if first <= last and not first <= IPv4Address(server.address) <= last:
        remedy = f"is not available to a server in the subnet {subnet}. Choose an address from {first} to {last}."
        report(f"servers.{name}.address", server.address, remedy)


def check_host_key_of_existing(_: FarmArgs, name: str, server: ServerArgs, report: Report) -> None:
    if server.existing and not server.host_key:
        remedy = (
            "is missing. An existing server needs its SSH host key. "
            "Run ssh-keyscan -t ed25519, and compare the key on the server itself."
        )
        report(f"servers.{name}.hostKey", MISSING, remedy)


def check_machine_keys_of_existing(_: FarmArgs, name: str, server: ServerArgs, report: Report) -> None:
    if not server.existing:
        return
    for key, value in (("publicAddress", server.public_address), ("zone", server.zone), ("size", server.size)):
        if value:
            remedy = "is only for virtual machines that this stack creates. Remove it, or remove existing: true."
            report(f"servers.{name}.{key}", value, remedy)


def check_restore_on_remove(_: FarmArgs, name: str, server: ServerArgs, report: Report) -> None:
    if server.restore_on_remove and not server.existing:
        remedy = (
            "is only for existing servers: a virtual machine that this stack creates is deleted with its row. "
            "Remove it, or set existing: true."
        )
        report(f"servers.{name}.restoreOnRemove", True, remedy)


def check_one_public_address(_: FarmArgs, name: str, server: ServerArgs, report: Report) -> None:
    if server.public_address and server.external_address and not server.existing:
        remedy = "has no effect, because publicAddress creates another address for this server. Remove one of the two."
        report(f"servers.{name}.externalAddress", server.external_address, remedy)


def check_address_in_public_zone(farm: FarmArgs, name: str, server: ServerArgs, report: Report) -> None:
    if farm.dns.public and server.in_rotation and not (server.public_address or server.external_address):
        remedy = "leaves dns.public without an address of this server. Set it to true, or write an externalAddress."
        report(f"servers.{name}.publicAddress", False, remedy)


def check_address_of_ssh(farm: FarmArgs, name: str, server: ServerArgs, report: Report) -> None:
    if farm.ssh.address == "public" and not (server.public_address or server.external_address):
        remedy = (
            "leaves ssh.address: public without an address of this server. Set it to true, or write an externalAddress."
        )
        report(f"servers.{name}.publicAddress", False, remedy)


RULES = (check_number_of_servers, check_computer_names, check_addresses, check_external_addresses)
RULES_OF_EACH_SERVER = (
    check_key_of_server,
    check_address_in_subnet,
    check_host_key_of_existing,
    check_machine_keys_of_existing,
    check_restore_on_remove,
    check_one_public_address,
    check_address_in_public_zone,
    check_address_of_ssh,
)
