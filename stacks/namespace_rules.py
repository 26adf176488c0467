"""What must hold between the names of a namespace, and what the services tell clients."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from components import namespace
from components.args import FarmArgs
from components.namespace import AUTODISCOVER_PATH, PATHS, client_names, exchange_settings
from components.namespace_args import Derived, ServicesArgs
from stacks.problems import MISSING, Report, UnreadError
from stacks.reading import keys_of, to_camel_case
from stacks.server_rules import servers_of

LONGEST_NAME = 253


def two_names(farm: FarmArgs, report: Report) -> None:
    told = client_names(farm.namespace)
    if told.client == told.autodiscover or told.external_client == told.external_autodiscover:
        remedy = "is the name for the other services too; choose two names, inside and outside."
        report("namespace.autodiscoverName", farm.namespace.autodiscover_name, remedy)


def lengths(farm: FarmArgs, report: Report) -> None:
    for name in client_names(farm.namespace).every():
        if len(name) > LONGEST_NAME:
            report("namespace.domain", name, f"is longer than the {LONGEST_NAME} characters that DNS allows.")


def some_service(farm: FarmArgs, report: Report) -> None:
    if not exchange_settings(farm.namespace):
        remedy = "every service is opted out, so there is nothing to configure; set configureNamespace: false instead."
        report("namespace.services", MISSING, remedy)


def no_server_in_a_name(farm: FarmArgs, report: Report) -> None:
    """The namespace outlives any server, so no host that clients are sent to may be one."""
    computers = set()
    for _, server in servers_of(farm):
        try:
            computers.add(server.computer_name.lower())
        except UnreadError:
            continue
    for key, value, host in [*derived(farm), *overrides(farm)]:
        if host.partition(".")[0] in computers:
            report(key, value, "is the name of a server; the namespace must outlive any server. Choose another name.")


def derived(farm: FarmArgs) -> Iterator[tuple[str, str, str]]:
    """Key, value and host of the names that URLs are derived from."""
    told = client_names(farm.namespace)
    yield "namespace.clientName", farm.namespace.client_name, told.client
    yield "namespace.autodiscoverName", farm.namespace.autodiscover_name, told.autodiscover
    if farm.namespace.external_client_name:
        yield "namespace.externalClientName", farm.namespace.external_client_name, told.external_client


def overrides(farm: FarmArgs) -> Iterator[tuple[str, str, str]]:
    """Key, value and host of what the stack gives itself, for services that are not opted out."""
    for key, _, value in given_addresses(farm):
        yield key, value, namespace.host_of(value)


def given_addresses(farm: FarmArgs) -> Iterator[tuple[str, str, str]]:
    """Key, service and value of each URL and host name that the stack gives itself."""
    services = farm.namespace.services
    for service, (field, row, _) in keys_of(ServicesArgs).items():
        try:
            own = getattr(services, field.name)
            settings_of = [(key, getattr(own, part.name)) for key, (part, _, _) in keys_of(row).items()]
        except UnreadError:
            continue
        for key, value in settings_of:
            if own.enabled and namespace.is_address(to_camel_case(key)) and value and not isinstance(value, Derived):
                yield f"namespace.services.{service}.{key}", service, value


def paths(farm: FarmArgs, report: Report) -> None:
    """A client appends to the URL, or asks for it as it is: another path is answered with 404."""
    expected = {**PATHS, "autodiscover": AUTODISCOVER_PATH}
    for key, service, value in given_addresses(farm):
        if service not in expected or "//" not in value:
            continue
        path = expected[service]
        if not f"{urlsplit(value).path.lower()}/".startswith(f"{path.lower()}/"):
            report(key, value, f"does not end in {path}, where Exchange has this service; write the whole URL.")


def outlook_anywhere(farm: FarmArgs, report: Report) -> None:
    anywhere = farm.namespace.services.outlook_anywhere
    if not anywhere.enabled or anywhere.ssl_offloading:
        return
    for side, required, host in (
        ("internal", anywhere.internal_clients_require_ssl, anywhere.internal_hostname),
        ("external", anywhere.external_clients_require_ssl, anywhere.external_hostname),
    ):
        if not required and not (side == "external" and host is None):
            remedy = "contradicts sslOffloading: false, which requires TLS. Set it true, or sslOffloading: true."
            report(f"namespace.services.outlookAnywhere.{side}ClientsRequireSsl", False, remedy)
