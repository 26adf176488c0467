"""The program's outputs beside its servers: what operations look at, plain and without secrets. No Pulumi here."""

from __future__ import annotations

from typing import Any

from components import namespace
from components.args import FarmArgs


def outputs(args: FarmArgs) -> dict[str, Any]:
    """Output -> value. Operations compare servers, DNS and clients' names with these alone: they are what is deployed.

    `dns.private` and `dns.public` are the names that have a record set there, none where there is no such zone.
    """
    known = namespace.names(args.namespace)
    jump = args.ssh.jump_host
    return {
        "names": known.every(),
        "namespace": {
            "client": known.client,
            "autodiscover": known.autodiscover,
            "externalClient": known.external_client,
            "externalAutodiscover": known.external_autodiscover,
        },
        "settings": namespace.settings(args.namespace),
        "dns": {
            "ttlSeconds": args.dns.ttl_seconds,
            "private": sorted({known.client, known.autodiscover}) if args.dns.private_zone else [],
            "public": sorted({known.external_client, known.external_autodiscover}) if args.dns.public else [],
        },
        "exchangeVersion": args.exchange_version,
        "httpsPort": args.https_port,
        "ssh": {
            "port": args.ssh.port,
            "address": args.ssh.address,
            "jumpHost": {"host": jump.host, "port": jump.port, "user": jump.user, "hostKey": jump.host_key}
            if jump
            else None,
        },
    }
