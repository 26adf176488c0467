"""What must hold of the servers of a stack file: keys, names, addresses, and what a machine made here needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv4Network

from components.args import MOST_SERVERS, FarmArgs, ServerArgs
from components.rules import LEAST_ADDRESSES
from stacks.problems import MISSING, UNREAD, Report, UnreadError

# What Azure refuses as the name of Windows' administrator; the rest of its list begins with a digit.
REFUSED_ADMINISTRATORS = (
    *("a", "actuser", "adm", "admin", "admin1", "admin2", "administrator", "aspnet", "backup", "console", "david"),
    *("guest", "john", "owner", "root", "server", "sql", "support", "support_388945a0", "sys"),
    *("test", "test1", "test2", "test3", "user", "user1", "user2", "user3", "user4", "user5"),
)


def servers_of(farm: FarmArgs) -> Iterator[tuple[str, ServerArgs]]:
    """Those that could be read."""
    return ((name, server) for name, server in farm.servers.items() if server is not UNREAD)


def every_server(farm: FarmArgs) -> list[ServerArgs]:
    """Raises UnreadError where one could not be read."""
    if any(server is UNREAD for server in farm.servers.values()):
        raise UnreadError
    return list(farm.servers.values())


def makes_servers(farm: FarmArgs) -> bool:
    return any(not server.existing for server in every_server(farm))


def number_of_servers(farm: FarmArgs, report: Report) -> None:
    count = len(farm.servers)
    if not 1 <= count <= MOST_SERVERS:
        report("servers", count, f"Name 1 to {MOST_SERVERS} servers: a record set holds {MOST_SERVERS} addresses.")
        return
    rotating = sum(server.in_rotation for server in every_server(farm))
    if rotating == 0:
        report("servers", rotating, "no server is in rotation, so both names would be empty. Set inRotation: true.")
    elif rotating < LEAST_ADDRESSES and not farm.allow_single_server:
        report(
            "servers",
            rotating,
            "fewer than two servers are in rotation, so the loss of one is the loss of all. "
            "Add a server, set inRotation: true, or set allowSingleServer: true.",
        )


def unique_computer_names(farm: FarmArgs, report: Report) -> None:
    unique(farm, "computerName", lambda server: server.computer_name, report)


def unique_addresses(farm: FarmArgs, report: Report) -> None:
    unique(farm, "address", lambda server: server.address, report)


def unique_external_addresses(farm: FarmArgs, report: Report) -> None:
    unique(farm, "externalAddress", lambda server: server.external_address, report)


def unique(farm: FarmArgs, key: str, value_of: Callable[[ServerArgs], str | None], report: Report) -> None:
    values: dict[str, str] = {}
    for name, server in servers_of(farm):
        try:
            value = value_of(server)
        except UnreadError:
            continue
        if value:
            values[name] = value
    counted = Counter(value.lower() for value in values.values())
    for name, value in values.items():
        if counted[value.lower()] > 1:
            report(f"servers.{name}.{key}", value, "is used by more than one server; each needs its own.")


def administrator(farm: FarmArgs, report: Report) -> None:
    if makes_servers(farm) and farm.administrator.lower() in REFUSED_ADMINISTRATORS:
        remedy = "is refused by Azure as the name of an administrator; choose another one, such as casadmin."
        report("administrator", farm.administrator, remedy)


def admin_password(farm: FarmArgs, report: Report) -> None:
    if makes_servers(farm) and farm.admin_password is None:
        report("adminPassword", MISSING, "is missing. Set it: pulumi config set --secret adminPassword")


def image_of_2013(farm: FarmArgs, report: Report) -> None:
    if makes_servers(farm) and farm.exchange_version == "2013" and not farm.image.id:
        remedy = (
            "Exchange 2013 needs Windows Server 2012 R2, which has left the marketplace; name an image of your own."
        )
        report("image.id", MISSING, remedy)


def ssh_package(farm: FarmArgs, report: Report) -> None:
    if not makes_servers(farm) or farm.exchange_version not in ("2013", "2016"):
        return
    for key, given in (("packageUrl", farm.ssh.package_url), ("packageSha256", farm.ssh.package_sha256)):
        if not given:
            remedy = (
                f"the Windows Server of Exchange {farm.exchange_version} has no OpenSSH of its own; name a package."
            )
            report(f"ssh.{key}", MISSING, remedy)


def key_of_server(_: FarmArgs, name: str, __: ServerArgs, report: Report) -> None:
    if not (name.isascii() and name.isalnum() and name.islower()):
        report(f"servers.{name}", MISSING, "Write the server's key in lower-case letters and digits, such as ex01.")


def address_in_subnet(farm: FarmArgs, name: str, server: ServerArgs, report: Report) -> None:
    if server.existing:
        return
    subnet = IPv4Network(farm.network.subnet_prefix)
    # Azure keeps the first four addresses of a subnet and the last one.
    first, last = subnet.network_address + 4, subnet.broadcast_address - 1
    if first <= last and not first <= IPv4Address(server.address) <= last:
        remedy = f"is not free for servers in the subnet {subnet}; choose one from {first} to {last}."
        report(f"servers.{name}.address", server.address, remedy)


def host_key_of_existing(_: FarmArgs, name: str, server: ServerArgs, report: Report) -> None:
    if server.existing and not server.host_key:
        remedy = "an existing server needs its SSH host key: ssh-keyscan -t ed25519, compared on the server itself."
        report(f"servers.{name}.hostKey", MISSING, remedy)


def machine_of_existing(_: FarmArgs, name: str, server: ServerArgs, report: Report) -> None:
    if not server.existing:
        return
    for key, given in (("publicAddress", server.public_address), ("zone", server.zone), ("size", server.size)):
        if given:
            remedy = "belongs to a virtual machine made here; remove it or existing: true."
            report(f"servers.{name}.{key}", given, remedy)


def restore_on_remove(_: FarmArgs, name: str, server: ServerArgs, report: Report) -> None:
    if server.restore_on_remove and not server.existing:
        remedy = "a virtual machine made here goes when it leaves the stack; remove it, or set existing: true."
        report(f"servers.{name}.restoreOnRemove", True, remedy)


def one_public_address(_: FarmArgs, name: str, server: ServerArgs, report: Report) -> None:
    if server.public_address and server.external_address and not server.existing:
        remedy = "would not be used: publicAddress makes another one for this server; remove one of the two."
        report(f"servers.{name}.externalAddress", server.external_address, remedy)


def answers_outside(farm: FarmArgs, name: str, server: ServerArgs, report: Report) -> None:
    if farm.dns.public and server.in_rotation and not (server.public_address or server.external_address):
        remedy = "dns.public answers with public addresses; set it true, or name an externalAddress."
        report(f"servers.{name}.publicAddress", False, remedy)


def dialled_outside(farm: FarmArgs, name: str, server: ServerArgs, report: Report) -> None:
    if farm.ssh.address == "public" and not (server.public_address or server.external_address):
        remedy = "ssh.address is public; set it true, or name an externalAddress."
        report(f"servers.{name}.publicAddress", False, remedy)


OF_EACH: tuple[Callable[[FarmArgs, str, ServerArgs, Report], None], ...] = (
    key_of_server,
    address_in_subnet,
    host_key_of_existing,
    machine_of_existing,
    restore_on_remove,
    one_public_address,
    answers_outside,
    dialled_outside,
)
