"""What must hold between the keys of a stack file. Each rule reports every breach by key, value and remedy.

A rule that needs a value which could not be read ends there: the problem has been reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from components.args import FarmArgs
from stacks import disk_rules, namespace_rules, network_rules, server_rules, tag_rules, time_zones
from stacks.problems import MISSING, Report, passing_over_unread
from stacks.server_rules import servers_of

IMAGE_OF_GALLERY = re.compile(r"/galleries/", re.IGNORECASE)


def check(farm: FarmArgs, report: Report) -> None:
    for rule in RULES:
        with passing_over_unread():
            rule(farm, report)
    with passing_over_unread():
        for name, server in servers_of(farm):
            for server_rule in OF_EACH_SERVER:
                with passing_over_unread():
                    server_rule(farm, name, server, report)


def canary(farm: FarmArgs, report: Report) -> None:
    """Where no server is configured none goes first, so that the key may wait in the file for Exchange."""
    first, servers = farm.rollout.canary, dict(servers_of(farm))
    if not first:
        return
    if first not in farm.servers:
        report("rollout.canary", first, f"is not a server; choose one of {', '.join(farm.servers)}.")
    elif first in servers and not servers[first].configure_namespace:
        remedy = "has configureNamespace: false, so another server would go first; name one that is configured."
        report("rollout.canary", first, remedy)


def jump_host(farm: FarmArgs, report: Report) -> None:
    if farm.ssh.jump_host and farm.jump_host_password is None and farm.jump_host_private_key is None:
        remedy = "is missing. Set it, or jumpHostPrivateKey: pulumi config set --secret jumpHostPassword"
        report("jumpHostPassword", MISSING, remedy)


def drain(farm: FarmArgs, report: Report) -> None:
    given = farm.rotation.drain_seconds
    if given is not None and given < farm.dns.ttl_seconds:
        remedy = f"clients may keep the address for dns.ttlSeconds = {farm.dns.ttl_seconds}; wait at least as long."
        report("rotation.drainSeconds", given, remedy)


def package(farm: FarmArgs, report: Report) -> None:
    if bool(farm.ssh.package_url) != bool(farm.ssh.package_sha256):
        report("ssh.packageSha256", MISSING, "packageUrl and packageSha256 belong together; name both or neither.")


def trusted_launch(farm: FarmArgs, report: Report) -> None:
    if farm.image.trusted_launch and farm.image.id and not IMAGE_OF_GALLERY.search(farm.image.id):
        remedy = "needs an image of the marketplace or of a Compute Gallery; image.id is a managed image. Remove one."
        report("image.trustedLaunch", True, remedy)


def auto_shutdown(farm: FarmArgs, report: Report) -> None:
    if farm.auto_shutdown and (remedy := time_zones.unknown(farm.auto_shutdown.time_zone)):
        report("autoShutdown.timeZone", farm.auto_shutdown.time_zone, remedy)


OF_EACH_SERVER = (
    *server_rules.OF_EACH,
    disk_rules.of_made_servers,
    disk_rules.unique_luns,
    disk_rules.unique_drives,
)
RULES: tuple[Callable[[FarmArgs, Report], None], ...] = (
    server_rules.number_of_servers,
    server_rules.unique_computer_names,
    server_rules.unique_addresses,
    server_rules.unique_external_addresses,
    server_rules.administrator,
    server_rules.admin_password,
    server_rules.image_of_2013,
    server_rules.ssh_package,
    network_rules.subnet_in_address_space,
    network_rules.https_port_open,
    network_rules.resolvable,
    network_rules.links,
    namespace_rules.two_names,
    namespace_rules.lengths,
    namespace_rules.some_service,
    namespace_rules.no_server_in_a_name,
    namespace_rules.paths,
    namespace_rules.outlook_anywhere,
    tag_rules.number_of_tags,
    tag_rules.names_of_tags,
    tag_rules.names_that_differ_in_case,
    canary,
    jump_host,
    drain,
    package,
    trusted_launch,
    auto_shutdown,
)
