"""What must hold of the servers of a stack file: keys, names, addresses, and what a machine made here needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from components.args import MOST_SERVERS, FarmArgs, ServerArgs
from components.rules import LEAST_ADDRESSES
from stacks.reading import MISSING, Report

# What Azure refuses as the name of Windows' administrator; the rest of its list begins with a digit.
REFUSED_ADMINISTRATORS = (
    *("a", "actuser", "adm", "admin", "admin1", "admin2", "administrator", "aspnet", "backup", "console", "david"),
    *("guest", "john", "owner", "root", "server", "sql", "support", "support_388945a0", "sys"),
    *("test", "test1", "test2", "test3", "user", "user1", "user2", "user3", "user4", "user5"),
)


def servers_of(farm: FarmArgs) -> Iterator[tuple[str, ServerArgs]]:
    return ((name, server) for name, server in (farm.servers or {}).items() if server is not None)


def number_of_servers(farm: FarmArgs, report: Report) -> None:
    count = len(farm.servers or {})
    if not 1 <= count <= MOST_SERVERS:
        report("servers", count, f"Name 1 to {MOST_SERVERS} servers: a record set holds {MOST_SERVERS} addresses.")
        return
    rotating = sum(bool(server.in_rotation) for _, server in servers_of(farm))
    if rotating == 0:
        report("servers", rotating, "no server is in rotation, so both names would be empty. Set inRotation: true.")
    elif rotating < LEAST_ADDRESSES and not farm.allow_single_server:
        report(
            "servers",
            rotating,
            "fewer than two servers are in rotation, so the loss of one is the loss of all. "
            "Add a server, set inRotation: true, or set allowSingleServer: true.",
        )


def server_keys(farm: FarmArgs, report: Report) -> None:
    for name, _ in servers_of(farm):
        if not (name.isascii() and name.isalnum() and name.islower()):
            report(f"servers.{name}", MISSING, "Write the server's key in lower-case letters and digits, such as ex01.")


def unique(farm: FarmArgs, report: Report) -> None:
    for attribute, key in (
        ("computer_name", "computerName"),
        ("address", "address"),
        ("external_address", "externalAddress"),
    ):
        values = {name: getattr(server, attribute) for name, server in servers_of(farm) if getattr(server, attribute)}
        counted = Counter(value.lower() for value in values.values())
        for name, value in values.items():
            if counted[value.lower()] > 1:
                report(f"servers.{name}.{key}", value, "is used by more than one server; each needs its own.")


def existing_servers(farm: FarmArgs, report: Report) -> None:
    for name, server in servers_of(farm):
        if not server.existing:
            continue
        if not server.host_key:
            remedy = "an existing server needs its SSH host key: ssh-keyscan -t ed25519, compared on the server itself."
            report(f"servers.{name}.hostKey", MISSING, remedy)
        for key, given in (("publicAddress", server.public_address), ("zone", server.zone), ("size", server.size)):
            if given:
                report(
                    f"servers.{name}.{key}",
                    given,
                    "belongs to a virtual machine made here; remove it or existing: true.",
                )


def restored_servers(farm: FarmArgs, report: Report) -> None:
    for name, server in servers_of(farm):
        if server.restore_on_remove and not server.existing:
            remedy = "a virtual machine made here goes when it leaves the stack; remove it, or set existing: true."
            report(f"servers.{name}.restoreOnRemove", True, remedy)


def made_servers(farm: FarmArgs, report: Report) -> None:
    if all(server.existing for _, server in servers_of(farm)):
        return
    if farm.administrator.lower() in REFUSED_ADMINISTRATORS:
        remedy = "is refused by Azure as the name of an administrator; choose another one, such as casadmin."
        report("administrator", farm.administrator, remedy)
    if farm.admin_password is None:
        report("adminPassword", MISSING, "is missing. Set it: pulumi config set --secret adminPassword")
    if farm.exchange_version == "2013" and not farm.image.id:
        remedy = (
            "Exchange 2013 needs Windows Server 2012 R2, which has left the marketplace; name an image of your own."
        )
        report("image.id", MISSING, remedy)
    if farm.exchange_version in ("2013", "2016"):
        for key, given in (("packageUrl", farm.ssh.package_url), ("packageSha256", farm.ssh.package_sha256)):
            if not given:
                remedy = (
                    f"the Windows Server of Exchange {farm.exchange_version} has no OpenSSH of its own; name a package."
                )
                report(f"ssh.{key}", MISSING, remedy)


def public_side(farm: FarmArgs, report: Report) -> None:
    """Who dials or answers with a public address must have one, and one only."""
    for name, server in servers_of(farm):
        if server.public_address and server.external_address and not server.existing:
            remedy = "would not be used: publicAddress makes another one for this server; remove one of the two."
            report(f"servers.{name}.externalAddress", server.external_address, remedy)
        reachable = server.public_address or server.external_address
        if farm.dns.public and server.in_rotation and not reachable:
            remedy = "dns.public answers with public addresses; set it true, or name an externalAddress."
            report(f"servers.{name}.publicAddress", False, remedy)
        if farm.ssh.address == "public" and not reachable:
            report(
                f"servers.{name}.publicAddress",
                False,
                "ssh.address is public; set it true, or name an externalAddress.",
            )
