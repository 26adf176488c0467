"""The outputs that follow from the stack file alone: plain, without secrets. No Pulumi here."""

from __future__ import annotations

from typing import Any

from components.args import FarmArgs
from components.namespace import client_names, exchange_settings


def stack_file_outputs(args: FarmArgs) -> dict[str, Any]:
    """Output -> value. They describe what is deployed: operations compare servers, DNS and names with them.

    `dns.private` and `dns.public` list the names with a record set in that zone; without the zone they are empty.
    """
    names = client_names(args.namespace)
    jump = args.ssh.jump_host
    return {
        "names": names.list_all(),
        "namespace": {
            "client": names.client,
            "autodiscover": names.autodiscover,
            "externalClient": names.external_client,
            "externalAutodiscover": names.external_autodiscover,
        },
        "settings": exchange_settings(args.namespace),
        "dns": {
            "ttlSeconds": args.dns.ttl_seconds,
            "private": sorted({names.client, names.autodiscover}) if args.dns.private_zone else [],
            "public": sorted({names.external_client, names.external_autodiscover}) if args.dns.public else [],
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
