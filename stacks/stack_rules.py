"""Runs all rules between the keys of a stack file, from the modules for each subject. Those for other keys are here.

Each rule reports every breach with key, value and remedy, and stops at a value that could not be read.
"""

from __future__ import annotations

from collections.abc import Callable

from components.args import FarmArgs, ServerArgs
from stacks import (
    certificate_rules,
    domain_rules,
    installation_rules,
    machine_rules,
    namespace_rules,
    network_rules,
    server_rules,
    tag_rules,
)
from stacks.problems import MISSING, Report, skip_unread
from stacks.server_rules import readable_servers


def check_rules(farm: FarmArgs, report: Report) -> None:
    for rule in RULES:
        with skip_unread():
            rule(farm, report)
    with skip_unread():
        for name, server in readable_servers(farm):
            for server_rule in RULES_OF_EACH_SERVER:
                with skip_unread():
                    server_rule(farm, name, server, report)


def check_canary(farm: FarmArgs, report: Report) -> None:
    """Accepts a canary while no server is configured, so that it may stay in the file until Exchange is installed."""
    canary, servers = farm.rollout.canary, dict(readable_servers(farm))
    if not canary:
        return
    if canary not in farm.servers:
        report("rollout.canary", canary, f"is not a server of this stack. Choose one of {', '.join(farm.servers)}.")
    elif canary in servers and not servers[canary].configure_namespace:
        remedy = "has configureNamespace: false, so another server would go first. Choose a server that is configured."
        report("rollout.canary", canary, remedy)


def check_jump_host(farm: FarmArgs, report: Report) -> None:
    if farm.ssh.jump_host and farm.jump_host_password is None and farm.jump_host_private_key is None:
        remedy = "is missing. Set it, or jumpHostPrivateKey: pulumi config set --secret jumpHostPassword"
        report("jumpHostPassword", MISSING, remedy)


def check_drain(farm: FarmArgs, report: Report) -> None:
    seconds, ttl = farm.rotation.drain_seconds, farm.dns.ttl_seconds
    if seconds is not None and seconds < ttl:
        remedy = f"is shorter than dns.ttlSeconds = {ttl}, for which clients keep the address. Write at least {ttl}."
        report("rotation.drainSeconds", seconds, remedy)


def check_package_and_hash(farm: FarmArgs, report: Report) -> None:
    if bool(farm.ssh.package_url) != bool(farm.ssh.package_sha256):
        report("ssh.packageSha256", MISSING, "belongs together with packageUrl. Write both keys or neither.")


RULES: tuple[Callable[[FarmArgs, Report], None], ...] = (
    *server_rules.RULES,
    *machine_rules.RULES,
    *domain_rules.RULES,
    *network_rules.RULES,
    *namespace_rules.RULES,
    *installation_rules.RULES,
    *tag_rules.RULES,
    *certificate_rules.RULES,
    check_canary,
    check_jump_host,
    check_drain,
    check_package_and_hash,
)
RULES_OF_EACH_SERVER: tuple[Callable[[FarmArgs, str, ServerArgs, Report], None], ...] = (
    *server_rules.RULES_OF_EACH_SERVER,
    *machine_rules.RULES_OF_EACH_SERVER,
    *domain_rules.RULES_OF_EACH_SERVER,
)
