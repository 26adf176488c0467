"""The states of a server's components, by the marks that requesters ever set on them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

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

# Where a mark is kept: registry and Active Directory. A change with -LocalOnly or -RemoteOnly leaves them apart.
PLACES = ("local", "remote")

Marks = dict[str, dict[str, str]]  # component -> requester -> state
Components = dict[str, Marks]  # component -> place -> requester -> state


def fresh(version: str) -> Components:
    """What there is after setup; a 2013 server has the Client Access role alone."""
    absent = {
        "HubTransport": version.startswith("2013"),
        "HighAvailability": version.startswith("2013"),
        "UMCallRouter": version in ("2019", "SE"),
        "MapiProxy": version == "2013RTM",
    }
    components: Components = {name: {place: {} for place in PLACES} for name in NAMES if not absent.get(name)}
    for name in ("ForwardSyncDaemon", "ProvisioningRps"):  # for Microsoft's own data centres
        mark(components, name, "Inactive", "Functional")
    return components


def marks(components: Mapping[str, Mapping[str, Mapping[str, str]]]) -> Marks:
    """What each requester wants of each component; where its two marks differ, the worse one counts."""
    return {
        name: {
            requester: worst(kept[requester] for kept in places.values() if requester in kept)
            for requester in dict.fromkeys(requester for kept in places.values() for requester in kept)
        }
        for name, places in components.items()
    }


def effective(components: Components) -> dict[str, str]:
    """Component -> what counts: as bad as its worst requester says, and no better than the whole server."""
    wanted = marks(components)
    offline = "Inactive" in wanted["ServerWideOffline"].values()
    return {
        name: worst([*of.values(), "Inactive" if offline and name not in ALWAYS_ON else "Active"])
        for name, of in wanted.items()
    }


def worst(states: Iterable[str]) -> str:
    return max(states, key=STATES.index)


def mark(components: Components, component: str, state: str, requester: str, places: Collection[str] = PLACES) -> None:
    """What one requester wants of a component. KeyError or ValueError for what Exchange does not know."""
    if state not in STATES or requester not in REQUESTERS:
        raise ValueError(f"{state!r} by {requester!r}: states are {STATES}, requesters {REQUESTERS}")
    for place in places:
        components[component][place][requester] = state
