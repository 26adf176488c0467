"""The namespace: the names clients use, and every setting of a server that follows from them. No Pulumi here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from components.forms import NAME, URL, ZONE
from components.keys import args, key

ClientAuthentication = Literal["Basic", "Ntlm", "Negotiate"]
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


class Derived(Enum):
    """Stands where a stack leaves a URL or a host name out; None, there, is a value: the servers' one is cleared."""

    DERIVED = "derived"


DERIVED = Derived.DERIVED


@args
class UrlServiceArgs:
    """A service that tells its clients two URLs."""

    enabled: bool = key("false leaves this service's settings on the servers untouched.", default=True)
    internal_url: str | Derived | None = key(
        "URL for clients inside; derived from the names if left out, cleared on the servers by null.",
        default=DERIVED,
        form=URL,
    )
    external_url: str | Derived | None = key(
        "URL for clients outside; derived from the names if left out, cleared on the servers by null.",
        default=DERIVED,
        form=URL,
    )


@args
class MapiArgs(UrlServiceArgs):
    """MAPI over HTTP: its URLs are set together with the authentication methods."""

    iis_authentication_methods: tuple[Literal["Basic", "Ntlm", "OAuth", "Negotiate"], ...] = key(
        "Authentication methods of the virtual directory.", default=("Ntlm", "OAuth", "Negotiate"), minItems=1
    )


@args
class AutodiscoverArgs:
    """Where domain-joined clients find Autodiscover."""

    enabled: bool = key("false leaves the Autodiscover service URI on the servers untouched.", default=True)
    service_internal_uri: str | Derived | None = key(
        "The service URI; derived from the names if left out, cleared on the servers by null.",
        default=DERIVED,
        form=URL,
    )


@args
class OutlookAnywhereArgs:
    """Outlook Anywhere: host names without a scheme, each with its RequireSsl and authentication pair."""

    enabled: bool = key("false leaves Outlook Anywhere on the servers untouched.", default=True)
    internal_hostname: str | Derived | None = key(
        "Host name inside; derived if left out, cleared on the servers by null.", default=DERIVED, form=ZONE
    )
    external_hostname: str | Derived | None = key(
        "Host name outside; derived if left out, cleared on the servers by null.", default=DERIVED, form=ZONE
    )
    internal_clients_require_ssl: bool = key("TLS for clients inside.", default=True)
    external_clients_require_ssl: bool = key("TLS for clients outside.", default=True)
    internal_client_authentication_method: ClientAuthentication = key("Logon of clients inside.", default="Ntlm")
    external_client_authentication_method: ClientAuthentication = key("Logon of clients outside.", default="Ntlm")
    ssl_offloading: bool = key("true: TLS ends before the server.", default=False)


@args
class ServicesArgs:
    """What each service tells its clients, where it is not derived from the namespace's names."""

    owa: UrlServiceArgs = key("Outlook on the web.", default=UrlServiceArgs())
    ecp: UrlServiceArgs = key("Exchange admin centre.", default=UrlServiceArgs())
    ews: UrlServiceArgs = key("Exchange Web Services.", default=UrlServiceArgs())
    oab: UrlServiceArgs = key("Offline address book.", default=UrlServiceArgs())
    activesync: UrlServiceArgs = key("Exchange ActiveSync.", default=UrlServiceArgs())
    mapi: MapiArgs = key("MAPI over HTTP.", default=MapiArgs())
    autodiscover: AutodiscoverArgs = key("Autodiscover.", default=AutodiscoverArgs())
    outlook_anywhere: OutlookAnywhereArgs = key("Outlook Anywhere.", default=OutlookAnywhereArgs())


@args
class NamespaceArgs:
    """The names that clients use, and what is derived from them."""

    domain: str = key("The domain of the two names, for example mail-domain.com.", form=ZONE)
    client_name: str = key("The label of the name for OWA, EWS, MAPI and the other services.", default="owa", form=NAME)
    autodiscover_name: str = key("The label of the name for Autodiscover.", default="autodiscover", form=NAME)
    external_domain: str | None = key("The domain of the names outside, if it differs.", default=None, form=ZONE)
    external_client_name: str | None = key("The client name's label outside, if it differs.", default=None, form=NAME)
    services: ServicesArgs = key("Services opted out or overridden.", default=ServicesArgs())


@dataclass(frozen=True, kw_only=True)
class Names:
    """The fully qualified names of one namespace; outside equal to inside unless the stack says otherwise."""

    client: str
    autodiscover: str
    external_client: str
    external_autodiscover: str

    def every(self) -> list[str]:
        return sorted({self.client, self.autodiscover, self.external_client, self.external_autodiscover})


def client_names(namespace: NamespaceArgs) -> Names:
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

    Settings have the names of the Exchange cmdlets' parameters. A virtual directory's URL and a host name are what
    clients are told; the same on every server, so that any server can answer any client.
    """
    names = client_names(namespace)
    services = namespace.services
    wanted: dict[str, dict[str, Any]] = {}
    for service, path in PATHS.items():
        own: UrlServiceArgs = getattr(services, service)
        if own.enabled:
            wanted[service] = {
                "InternalUrl": unless_derived(own.internal_url, f"https://{names.client}{path}"),
                "ExternalUrl": unless_derived(own.external_url, f"https://{names.external_client}{path}"),
            }
    if services.mapi.enabled:
        wanted["mapi"]["IISAuthenticationMethods"] = list(services.mapi.iis_authentication_methods)
    if services.autodiscover.enabled:
        derived = f"https://{names.autodiscover}{AUTODISCOVER_PATH}"
        wanted["autodiscover"] = {
            "AutoDiscoverServiceInternalUri": unless_derived(services.autodiscover.service_internal_uri, derived)
        }
    anywhere = services.outlook_anywhere
    if anywhere.enabled:
        wanted["outlookAnywhere"] = {
            "InternalHostname": unless_derived(anywhere.internal_hostname, names.client),
            "ExternalHostname": (external := unless_derived(anywhere.external_hostname, names.external_client)),
            "InternalClientsRequireSsl": anywhere.internal_clients_require_ssl,
            # Exchange holds it as false where there is no external host name.
            "ExternalClientsRequireSsl": anywhere.external_clients_require_ssl and external is not None,
            "InternalClientAuthenticationMethod": anywhere.internal_client_authentication_method,
            "ExternalClientAuthenticationMethod": anywhere.external_client_authentication_method,
            "SSLOffloading": anywhere.ssl_offloading,
        }
    return wanted


def namespace_document(
    *, server: str, exchange_version: str, recycle_app_pools: bool, settings: Settings
) -> dict[str, Any]:
    """The document of the namespace scripts."""
    return {
        "server": server,
        "exchangeVersion": exchange_version,
        "recycleAppPools": recycle_app_pools,
        "settings": settings,
    }


T = TypeVar("T")


def unless_derived(value: T | Derived, derived: T) -> T:
    """The stack file's value, null included; if it is left out, the derived one."""
    return derived if isinstance(value, Derived) else value


def is_address(setting: str) -> bool:
    """Whether the setting sends clients to a host: a URL, a URI or a host name."""
    return setting.endswith(("Url", "Uri", "Hostname"))


def host_of(value: str) -> str:
    """The host of a URL or of a host name, as clients ask DNS for it."""
    return (urlsplit(value).hostname or value).lower()


def client_hosts(settings: Settings) -> dict[str, list[str]]:
    """Service -> the hosts to which `exchange_settings` sends its clients, the one for clients inside first."""
    return {
        service: list(dict.fromkeys(host_of(value) for name, value in values.items() if is_address(name) and value))
        for service, values in settings.items()
    }


def gate_names(namespace: NamespaceArgs, *, published: bool) -> dict[str, list[str]]:
    """Service -> the names under which clients reach it at the servers, the one for clients inside first.

    A name outside counts if this stack publishes its record set (`published`): else it may lead to a proxy, which has
    its own certificate. Clients outside read no service URI; they derive Autodiscover's name from the mail domain.
    """
    names = client_names(namespace)
    inside, outside = {names.client, names.autodiscover}, {names.external_client, names.external_autodiscover}
    at_servers = inside | outside if published else inside
    found: dict[str, list[str]] = {}
    for service, values in exchange_settings(namespace).items():
        hosts = [(setting, host_of(value)) for setting, value in values.items() if is_address(setting) and value]
        # Clients inside reach the servers under any name that the settings give them.
        found[service] = [host for setting, host in hosts if host in at_servers or not setting.startswith("External")]
    if "autodiscover" in found:
        found["autodiscover"] += sorted(at_servers & {names.autodiscover, names.external_autodiscover})
    return {service: list(dict.fromkeys(names)) for service, names in found.items() if names}
