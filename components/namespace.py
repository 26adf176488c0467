"""The namespace: the names clients use, and every setting of a server that follows from them. No Pulumi here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from components.namespace_args import Derived, NamespaceArgs, UrlServiceArgs

# The paths as Exchange's virtual directories have them (Microsoft: "Configure mail flow and client access").
PATHS = {
    "owa": "/owa",
    "ecp": "/ecp",
    "ews": "/EWS/Exchange.asmx",
    "oab": "/OAB",
    "activesync": "/Microsoft-Server-ActiveSync",
    "mapi": "/mapi",
}
AUTODISCOVER_PATH = "/autodiscover/autodiscover.xml"


@dataclass(frozen=True, kw_only=True)
class Names:
    """The fully qualified names of one namespace; those outside equal those inside by default."""

    client: str
    autodiscover: str
    external_client: str
    external_autodiscover: str

    def list_all(self) -> list[str]:
        return sorted({self.client, self.autodiscover, self.external_client, self.external_autodiscover})


def client_names(namespace: NamespaceArgs) -> Names:
    """The names that a stack file's `namespace` results in."""
    outside = namespace.external_domain or namespace.domain
    return Names(
        client=f"{namespace.client_name}.{namespace.domain}",
        autodiscover=f"{namespace.autodiscover_name}.{namespace.domain}",
        external_client=f"{namespace.external_client_name or namespace.client_name}.{outside}",
        external_autodiscover=f"{namespace.autodiscover_name}.{outside}",
    )


Settings = Mapping[str, Mapping[str, Any]]


def exchange_settings(namespace: NamespaceArgs) -> Settings:
    """Service -> setting -> value, for every service that is not opted out.

    Settings have the names of the Exchange cmdlets' parameters. Every server gives clients the same URLs and host
    names, so that any server can answer any client.
    """
    names = client_names(namespace)
    services = namespace.services
    settings: dict[str, dict[str, Any]] = {}
    for service, path in PATHS.items():
        urls: UrlServiceArgs = getattr(services, service)
        if urls.enabled:
            settings[service] = {
                "InternalUrl": resolve_derived(urls.internal_url, f"https://{names.client}{path}"),
                "ExternalUrl": resolve_derived(urls.external_url, f"https://{names.external_client}{path}"),
            }
    if services.mapi.enabled:
        settings["mapi"]["IISAuthenticationMethods"] = list(services.mapi.iis_authentication_methods)
    if services.autodiscover.enabled:
        derived = f"https://{names.autodiscover}{AUTODISCOVER_PATH}"
        settings["autodiscover"] = {
            "AutoDiscoverServiceInternalUri": resolve_derived(services.autodiscover.service_internal_uri, derived)
        }
    anywhere = services.outlook_anywhere
    if anywhere.enabled:
        settings["outlookAnywhere"] = {
            "InternalHostname": resolve_derived(anywhere.internal_hostname, names.client),
            "ExternalHostname": (external := resolve_derived(anywhere.external_hostname, names.external_client)),
            "InternalClientsRequireSsl": anywhere.internal_clients_require_ssl,
            # Exchange keeps it false while the external host name is empty.
            "ExternalClientsRequireSsl": anywhere.external_clients_require_ssl and external is not None,
            "InternalClientAuthenticationMethod": anywhere.internal_client_authentication_method,
            "ExternalClientAuthenticationMethod": anywhere.external_client_authentication_method,
            "SSLOffloading": anywhere.ssl_offloading,
        }
    return settings


def namespace_document(
    *, server: str, exchange_version: str, recycle_app_pools: bool, settings: Settings
) -> dict[str, Any]:
    """The standard input of the namespace scripts, as plain data."""
    return {
        "server": server,
        "exchangeVersion": exchange_version,
        "recycleAppPools": recycle_app_pools,
        "settings": settings,
    }


T = TypeVar("T")


def resolve_derived(value: T | Derived, derived: T) -> T:
    """The stack file's value, null included; if it is left out, the derived one."""
    return derived if isinstance(value, Derived) else value


def is_url_or_host_name(setting: str) -> bool:
    """Whether the setting sends clients to a host: a URL, a URI or a host name."""
    return setting.endswith(("Url", "Uri", "Hostname"))


def extract_host(value: str) -> str:
    """The host of a URL, or a host name itself, in lower case."""
    return (urlsplit(value).hostname or value).lower()


def client_hosts(settings: Settings) -> dict[str, list[str]]:
    """Service -> the hosts to which `exchange_settings` sends its clients, the one for clients inside first."""
    return {
        service: list(dict.fromkeys(host for _, host in list_hosts(values))) for service, values in settings.items()
    }


def list_hosts(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Setting and host of each URL and host name of a service. Cleared ones are left out."""
    return [
        (setting, extract_host(value)) for setting, value in values.items() if is_url_or_host_name(setting) and value
    ]


def gate_names(namespace: NamespaceArgs, *, published: bool) -> dict[str, list[str]]:
    """Service -> the names under which clients reach it at the servers, the one for clients inside first.

    A name outside counts if this stack publishes its record set (`published`): else it may lead to a proxy, which has
    its own certificate. Clients outside read no service URI; they derive Autodiscover's name from the mail domain.
    """
    names = client_names(namespace)
    inside, outside = {names.client, names.autodiscover}, {names.external_client, names.external_autodiscover}
    at_servers = inside | outside if published else inside
    hosts_of_services: dict[str, list[str]] = {}
    for service, values in exchange_settings(namespace).items():
        # Clients inside reach the servers under any name that the settings give them.
        hosts_of_services[service] = [
            host for setting, host in list_hosts(values) if host in at_servers or not setting.startswith("External")
        ]
    if "autodiscover" in hosts_of_services:
        hosts_of_services["autodiscover"] += sorted(at_servers & {names.autodiscover, names.external_autodiscover})
    return {service: list(dict.fromkeys(hosts)) for service, hosts in hosts_of_services.items() if hosts}


def list_certificate_names(namespace: NamespaceArgs, *, published: bool) -> list[str]:
    """Every name that a server's certificate needs, because the gate asks for it."""
    names = gate_names(namespace, published=published)
    return sorted({name for hosts in names.values() for name in hosts})
