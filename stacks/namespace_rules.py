"""Rules for the names of a namespace, and for the URLs and host names of its services."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from components import namespace
from components.args import FarmArgs
from components.namespace import AUTODISCOVER_PATH, PATHS, client_names, exchange_settings
from components.namespace_args import Derived, ServicesArgs
from stacks.problems import MISSING, Report, UnreadError
from stacks.reading import keys_of, to_camel_case
from stacks.server_rules import readable_servers

LONGEST_DNS_NAME = 253


def check_two_names(farm: FarmArgs, report: Report) -> None:
    names = client_names(farm.namespace)
    if names.client == names.autodiscover or names.external_client == names.external_autodiscover:
        remedy = "is also the name of the other services. Choose two names, inside and outside."
        report("namespace.autodiscoverName", farm.namespace.autodiscover_name, remedy)


def check_lengths_of_names(farm: FarmArgs, report: Report) -> None:
    for name in client_names(farm.namespace).list_all():
        if len(name) > LONGEST_DNS_NAME:
            remedy = f"is longer than the {LONGEST_DNS_NAME} characters that DNS allows. Choose a shorter domain."
            report("namespace.domain", name, remedy)


def check_services_are_enabled(farm: FarmArgs, report: Report) -> None:
    if not exchange_settings(farm.namespace):
        remedy = "disables every service, so there is nothing to configure. Set configureNamespace: false instead."
        report("namespace.services", MISSING, remedy)


def check_hosts_are_not_servers(farm: FarmArgs, report: Report) -> None:
    """Clients keep using the hosts of the namespace after a server is removed, so no host may be a server's name."""
    computers = set()
    for _, server in readable_servers(farm):
        try:
            computers.add(server.computer_name.lower())
        except UnreadError:
            continue
    for key, value, host in [*list_derived_hosts(farm), *list_overridden_hosts(farm)]:
        if host.partition(".")[0] in computers:
            report(
                key, value, "is the name of a server, but the namespace must outlive any server. Choose another name."
            )


def list_derived_hosts(farm: FarmArgs) -> Iterator[tuple[str, str, str]]:
    """Key, value and host of the names from which URLs are derived."""
    names = client_names(farm.namespace)
    yield "namespace.clientName", farm.namespace.client_name, names.client
    yield "namespace.autodiscoverName", farm.namespace.autodiscover_name, names.autodiscover
    if farm.namespace.external_client_name:
        yield "namespace.externalClientName", farm.namespace.external_client_name, names.external_client


def list_overridden_hosts(farm: FarmArgs) -> Iterator[tuple[str, str, str]]:
    """Key, value and host of each URL and host name in the stack file, for services that are not opted out."""
    for key, _, value in list_overridden_values(farm):
        yield key, value, namespace.extract_host(value)


def list_overridden_values(farm: FarmArgs) -> Iterator[tuple[str, str, str]]:
    """Key, service and value of each URL and host name in the stack file."""
    services = farm.namespace.services
    for service, (field, row, _) in keys_of(ServicesArgs).items():
        try:
            args = getattr(services, field.name)
            values = [(key, getattr(args, part.name)) for key, (part, _, _) in keys_of(row).items()]
        except UnreadError:
            continue
        for key, value in values:
            if (
                args.enabled
                and namespace.is_url_or_host_name(to_camel_case(key))
                and value
                and not isinstance(value, Derived)
            ):
                yield f"namespace.services.{service}.{key}", service, value


def check_paths_of_urls(farm: FarmArgs, report: Report) -> None:
    """Clients use the URL as it is or append to it, and Exchange answers any other path with 404."""
    expected = {**PATHS, "autodiscover": AUTODISCOVER_PATH}
    for key, service, value in list_overridden_values(farm):
        if service not in expected or "//" not in value:
            continue
        path = expected[service]
        if not f"{urlsplit(value).path.lower()}/".startswith(f"{path.lower()}/"):
            report(key, value, f"lacks the path {path}, where Exchange has this service. Write the whole URL.")


def check_outlook_anywhere(farm: FarmArgs, report: Report) -> None:
    anywhere = farm.namespace.services.outlook_anywhere
    if not anywhere.enabled or anywhere.ssl_offloading:
        return
    for side, required, host in (
        ("internal", anywhere.internal_clients_require_ssl, anywhere.internal_hostname),
        ("external", anywhere.external_clients_require_ssl, anywhere.external_hostname),
    ):
        if not required and not (side == "external" and host is None):
            remedy = "contradicts sslOffloading: false, which requires TLS. Set it to true, or set sslOffloading: true."
            report(f"namespace.services.outlookAnywhere.{side}ClientsRequireSsl", False, remedy)


RULES = (
    check_two_names,
    check_lengths_of_names,
    check_services_are_enabled,
    check_hosts_are_not_servers,
    check_paths_of_urls,
    check_outlook_anywhere,
)
