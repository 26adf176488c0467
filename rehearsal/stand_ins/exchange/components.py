"""The states of a server's components: component -> requester -> state, of those that a requester ever set."""

from __future__ import annotations

from collections.abc import Mapping

# As Get-ServerComponentState lists them.
NAMES = (
    "ServerWideOffline",
    "HubTransport",
    "FrontendTransport",
    "Monitoring",
    "RecoveryActionsEnabled",
    "AutoDiscoverProxy",
    "ActiveSyncProxy",
    "EcpProxy",
    "EwsProxy",
    "ImapProxy",
    "OabProxy",
    "OwaProxy",
    "PopProxy",
    "PushNotificationsProxy",
    "RpsProxy",
    "RwsProxy",
    "RpcProxy",
    "UMCallRouter",
    "XropProxy",
    "HttpProxyAvailabilityGroup",
    "ForwardSyncDaemon",
    "ProvisioningRps",
    "MapiProxy",
    "HighAvailability",
    "SharedCache",
)
# Service -> the component that answers for it.
PROXIES = {
    "owa": "OwaProxy",
    "ecp": "EcpProxy",
    "ews": "EwsProxy",
    "oab": "OabProxy",
    "activesync": "ActiveSyncProxy",
    "mapi": "MapiProxy",
    "outlookAnywhere": "RpcProxy",
    "autodiscover": "AutoDiscoverProxy",
}
REQUESTERS = ("HealthAPI", "Maintenance", "Sidelined", "Functional", "Deployment")
STATES = ("Active", "Draining", "Inactive")  # the better one first
ALWAYS_ON = ("Monitoring", "RecoveryActionsEnabled")  # they go on when the whole server is offline

Components = dict[str, dict[str, str]]


def fresh(version: str) -> Components:
    """What there is after setup; a 2013 server has the Client Access role alone."""
    absent = {
        "HubTransport": version.startswith("2013"),
        "HighAvailability": version.startswith("2013"),
        "UMCallRouter": version in ("2019", "SE"),
        "MapiProxy": version == "2013RTM",
    }
    components: Components = {name: {} for name in NAMES if not absent.get(name)}
    for name in ("ForwardSyncDaemon", "ProvisioningRps"):  # for Microsoft's own data centres
        components[name]["Functional"] = "Inactive"
    return components


def effective(components: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Component -> what counts: as bad as its worst requester says, and no better than the whole server."""
    offline = "Inactive" in components["ServerWideOffline"].values()
    return {
        name: max([*marks.values(), "Inactive" if offline and name not in ALWAYS_ON else "Active"], key=STATES.index)
        for name, marks in components.items()
    }


def mark(components: Components, component: str, state: str, requester: str) -> None:
    """What one requester wants of a component. KeyError or ValueError for what Exchange does not know."""
    if state not in STATES or requester not in REQUESTERS:
        raise ValueError(f"{state!r} by {requester!r}: states are {STATES}, requesters {REQUESTERS}")
    components[component][requester] = state
