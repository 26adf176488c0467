"""The keys of the stack file about the namespace: the two names, and what services give clients. No Pulumi here."""

from __future__ import annotations

from enum import Enum
from typing import Literal

from components.forms import NAME, URL, ZONE
from components.keys import args, key

ClientAuthentication = Literal["Basic", "Ntlm", "Negotiate"]


class Derived(Enum):
    """The default of a URL or a host name: it is derived from the names. It differs from None, which clears the value
    on the servers."""

    DERIVED = "derived"


DERIVED = Derived.DERIVED


@args
class UrlServiceArgs:
    """A service that gives its clients two URLs."""

    enabled: bool = key("false leaves this service's settings on the servers unchanged.", default=True)
    internal_url: str | Derived | None = key(
        "URL for clients inside; derived from the names if left out, null clears it on the servers.",
        default=DERIVED,
        form=URL,
    )
    external_url: str | Derived | None = key(
        "URL for clients outside; derived from the names if left out, null clears it on the servers.",
        default=DERIVED,
        form=URL,
    )


@args
class MapiArgs(UrlServiceArgs):
    """MAPI over HTTP: its cmdlet sets the URLs together with the authentication methods."""

    iis_authentication_methods: tuple[Literal["Basic", "Ntlm", "OAuth", "Negotiate"], ...] = key(
        "Authentication methods of the virtual directory.", default=("Ntlm", "OAuth", "Negotiate"), minItems=1
    )


@args
class AutodiscoverArgs:
    """Where domain-joined clients find Autodiscover."""

    enabled: bool = key("false leaves the Autodiscover service URI on the servers unchanged.", default=True)
    service_internal_uri: str | Derived | None = key(
        "The service URI; derived from the names if left out, null clears it on the servers.",
        default=DERIVED,
        form=URL,
    )


@args
class OutlookAnywhereArgs:
    """Outlook Anywhere: two host names without a scheme, each with its own TLS and authentication settings."""

    enabled: bool = key("false leaves Outlook Anywhere on the servers unchanged.", default=True)
    internal_hostname: str | Derived | None = key(
        "Host name for clients inside; derived if left out, null clears it on the servers.", default=DERIVED, form=ZONE
    )
    external_hostname: str | Derived | None = key(
        "Host name for clients outside; derived if left out, null clears it on the servers.", default=DERIVED, form=ZONE
    )
    internal_clients_require_ssl: bool = key("true: clients inside must use TLS.", default=True)
    external_clients_require_ssl: bool = key("true: clients outside must use TLS.", default=True)
    internal_client_authentication_method: ClientAuthentication = key(
        "Authentication method of clients inside.", default="Ntlm"
    )
    external_client_authentication_method: ClientAuthentication = key(
        "Authentication method of clients outside.", default="Ntlm"
    )
    ssl_offloading: bool = key("true: TLS ends at a device in front of the server.", default=False)


@args
class ServicesArgs:
    """What each service gives its clients, where it is not derived from the namespace's names."""

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
    external_domain: str | None = key(
        "The domain of the names for clients outside, if it differs.", default=None, form=ZONE
    )
    external_client_name: str | None = key(
        "The label of the client name for clients outside, if it differs.", default=None, form=NAME
    )
    services: ServicesArgs = key("Services that are opted out, or have their own URLs.", default=ServicesArgs())
