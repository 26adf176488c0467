"""The releases of Exchange that the stand-in of setup knows: versions, roles, licence switches, what they need.

Sources: CSS-Exchange (Test-ExchangeADSetupLevel, Test-PrerequisiteInstalled), Microsoft's prerequisites pages, and the
page on diagnostic data for the licence switch.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

OLD_LICENCE = "iacceptexchangeserverlicenseterms"
NEW_LICENCES = (f"{OLD_LICENCE}_diagnosticdataon", f"{OLD_LICENCE}_diagnosticdataoff")

ALL_ROLES = ("CafeRole", "ClientAccessRole", "FrontendTransportRole", "HubTransportRole", "MailboxRole")
FRONT_END_ROLES = ("CafeRole", "FrontendTransportRole")
FEATURES = (
    *(
        "NET-Framework-45-Features",
        "RPC-over-HTTP-proxy",
        "RSAT-ADDS",
        "RSAT-Clustering",
        "RSAT-Clustering-CmdInterface",
    ),
    *("RSAT-Clustering-Mgmt", "RSAT-Clustering-PowerShell", "WAS-Process-Model", "Web-Asp-Net45", "Web-Basic-Auth"),
    *("Web-Client-Auth", "Web-Digest-Auth", "Web-Dir-Browsing", "Web-Dyn-Compression", "Web-Http-Errors"),
    *("Web-Http-Logging", "Web-Http-Redirect", "Web-Http-Tracing", "Web-ISAPI-Ext", "Web-ISAPI-Filter", "Web-Metabase"),
    *("Web-Mgmt-Console", "Web-Mgmt-Service", "Web-Net-Ext45", "Web-Request-Monitor", "Web-Server"),
    *("Web-Stat-Compression", "Web-Static-Content", "Web-WMI", "Web-Windows-Auth", "Windows-Identity-Foundation"),
)
# Exchange -> the value Release of the .NET Framework that it needs.
NEEDED_NET = {"2013": 461808, "2016": 528040, "2019": 528040, "SE": 528040}


@dataclass(frozen=True, kw_only=True)
class ExchangeRelease:
    """`schema`, `domain` and `organisation` are what /PrepareSchema and /PrepareAD leave in Active Directory."""

    name: str
    product: str
    build: tuple[int, int, int, int]
    schema: int
    domain: int
    organisation: int

    @property
    def version(self) -> str:
        """As the log shows it: 15.1.2507.6."""
        return ".".join(map(str, self.build))

    @property
    def display_version(self) -> str:
        major, minor, build, revision = self.build
        return f"Version {major}.{minor} (Build 3{build}.{revision})"

    @property
    def roles(self) -> tuple[str, ...]:
        return ("clientaccess", "mailbox", "managementtools") if self.name == "2013" else ("mailbox", "managementtools")

    @property
    def licences(self) -> tuple[str, ...]:
        """The old switch was removed with 2016 CU22 and 2019 CU11."""
        return (OLD_LICENCE,) if self.name == "2013" else NEW_LICENCES

    @property
    def is_newest(self) -> bool:
        """2019 CU15 or SE: has /DoNotEnableEP, and refuses an organisation with Exchange 2013."""
        return self.build[:2] == (15, 2)

    def features(self) -> set[str]:
        extra = {"2013": {"AS-HTTP-Activation", "Desktop-Experience", "Web-Lgcy-Mgmt-Console"}}
        extra |= {"2016": {"Server-Media-Foundation", "Web-Lgcy-Mgmt-Console"}}
        return set(FEATURES) | extra.get(self.name, {"Server-Media-Foundation"})

    def needs_url_rewrite(self) -> bool:
        return self.name != "2013"


RELEASES = (
    ExchangeRelease(
        name="2013", product="2013", build=(15, 0, 1497, 2), schema=15312, domain=13237, organisation=16133
    ),
    ExchangeRelease(
        name="2016", product="2016", build=(15, 1, 2507, 6), schema=15334, domain=13243, organisation=16223
    ),
    ExchangeRelease(
        name="2019", product="2019", build=(15, 2, 1748, 8), schema=17003, domain=13243, organisation=16763
    ),
    ExchangeRelease(
        name="SE",
        product="Subscription Edition",
        build=(15, 2, 2562, 17),
        schema=17003,
        domain=13243,
        organisation=16763,
    ),
)


def find_release(version: str) -> ExchangeRelease:
    """By the version of the media, 15.02.1748.008 or 15.2.1748.8. Raises KeyError."""
    build = tuple(int(number) for number in re.findall(r"\d+", version))
    for release in RELEASES:
        if release.build == build:
            return release
    raise KeyError(version)
