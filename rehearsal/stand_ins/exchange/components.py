"""The states of a server's components, from the marks that requesters set."""

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
STATES = ("Active", "Draining", "Inactive")  # from best to worst
ALWAYS_ON = ("Monitoring", "RecoveryActionsEnabled")  # also when the whole server is offline

# A mark is kept in the registry and in Active Directory. -LocalOnly or -RemoteOnly changes one of them.
PLACES = ("local", "remote")

Marks = dict[str, dict[str, str]]  # component -> requester -> state
Components = dict[str, Marks]  # component -> place -> requester -> state


def new_components(version: str) -> Components:
    """The components after setup; a 2013 server has only the Client Access role."""
    absent = {
        "HubTransport": version.startswith("2013"),
        "HighAvailability": version.startswith("2013"),
        "UMCallRouter": version in ("2019", "SE"),
        "MapiProxy": version == "2013RTM",
    }
    components: Components = {name: {place: {} for place in PLACES} for name in NAMES if not absent.get(name)}
    for name in ("ForwardSyncDaemon", "ProvisioningRps"):  # for Microsoft's own data centres
        set_mark(components, name, "Inactive", "Functional")
    return components


def merge_marks(components: Mapping[str, Mapping[str, Mapping[str, str]]]) -> Marks:
    """The state that each requester wants for each component: the worse of its two marks."""
    return {
        name: {
            requester: find_worst_state(marks[requester] for marks in places.values() if requester in marks)
            for requester in dict.fromkeys(requester for marks in places.values() for requester in marks)
        }
        for name, places in components.items()
    }


def effective_states(components: Components) -> dict[str, str]:
    """Component -> effective state: the worst that a requester wants; Inactive if the whole server is offline."""
    wanted = merge_marks(components)
    offline = "Inactive" in wanted["ServerWideOffline"].values()
    return {
        name: find_worst_state([*marks.values(), "Inactive" if offline and name not in ALWAYS_ON else "Active"])
        for name, marks in wanted.items()
    }


def find_worst_state(states: Iterable[str]) -> str:
    return max(states, key=STATES.index)


def set_mark(
    components: Components, component: str, state: str, requester: str, places: Collection[str] = PLACES
) -> None:
    """Set the state that a requester wants. KeyError or ValueError for a name that Exchange does not know."""
    if state not in STATES or requester not in REQUESTERS:
        raise ValueError(f"{state!r} by {requester!r}: states are {STATES}, requesters {REQUESTERS}")
    for place in places:
        components[component][place][requester] = state
