"""What must hold between the names of a namespace, and what the services tell clients."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from components.args import FarmArgs
from components.namespace import names, settings
from stacks.reading import Report

LONGEST_NAME = 253


def readable(farm: FarmArgs) -> bool:
    """Whether names can be derived at all; what is missing has been reported."""
    space = farm.namespace
    return bool(space and space.domain and space.client_name and space.autodiscover_name)


def two_names(farm: FarmArgs, report: Report) -> None:
    if not readable(farm):
        return
    told = names(farm.namespace)
    if told.client == told.autodiscover or told.external_client == told.external_autodiscover:
        remedy = "is the name for the other services too; choose two names, inside and outside."
        report("namespace.autodiscoverName", farm.namespace.autodiscover_name, remedy)
    for name in told.every():
        if len(name) > LONGEST_NAME:
            report("namespace.domain", name, f"is longer than the {LONGEST_NAME} characters that DNS allows.")


def no_server_in_a_name(farm: FarmArgs, report: Report) -> None:
    """The namespace outlives any server, so no host that clients are told may be one."""
    if not readable(farm):
        return
    computers = {str(server.computer_name).lower() for server in (farm.servers or {}).values() if server}
    for key, host in hosts(farm):
        if host.partition(".")[0].lower() in computers:
            report(key, host, "is the name of a server; the namespace must outlive any server. Choose another name.")


def hosts(farm: FarmArgs) -> Iterator[tuple[str, str]]:
    """Key and host name of everything that clients are told."""
    told = names(farm.namespace)
    yield "namespace.clientName", told.client
    yield "namespace.autodiscoverName", told.autodiscover
    if farm.namespace.external_client_name:
        yield "namespace.externalClientName", told.external_client
    derived = set(told.every())
    for service, wanted in settings(farm.namespace).items():
        for setting, value in wanted.items():
            if setting.endswith(("Url", "Uri", "Hostname")):
                host = urlsplit(value).hostname if "//" in value else value
                if host and host not in derived:
                    yield f"namespace.services.{service}.{setting[0].lower()}{setting[1:]}", host


def outlook_anywhere(farm: FarmArgs, report: Report) -> None:
    if not readable(farm):
        return
    wanted = settings(farm.namespace).get("outlookAnywhere")
    if not wanted or wanted["SSLOffloading"]:
        return
    for side in ("internal", "external"):
        if wanted[f"{side.capitalize()}ClientsRequireSsl"] is False:
            remedy = "contradicts sslOffloading: false, which requires TLS. Set it true, or sslOffloading: true."
            report(f"namespace.services.outlookAnywhere.{side}ClientsRequireSsl", False, remedy)
