"""The prerequisites that setup checks, with the messages that it writes."""

from __future__ import annotations

from collections.abc import Iterator

from rehearsal.stand_ins.exchange.setup.arguments import SetupArguments
from rehearsal.stand_ins.exchange.setup.machine import EXCHANGE_KEY, SetupMachine
from rehearsal.stand_ins.exchange.setup.releases import NEEDED_NET, ExchangeRelease
from rehearsal.stand_ins.windows_state import NET_KEY

Refusal = tuple[str, str]  # rule, message

MARKS = {
    "Component Based Servicing": (
        "PendingRebootWindowsComponents",
        "There is a pending reboot from a previous installation of a Windows Server role or feature. Please restart "
        "the computer and then run Setup again.",
    ),
    "": (
        "RebootPending",
        "A reboot from a previous installation is pending. Please restart the system and then rerun Setup.",
    ),
}
PACKAGES = (
    (
        r"\VisualStudio\12.0\VC\Runtimes\x64",
        "VC2013RedistDependencyRequirement",
        "Visual C++ 2013 Redistributable Package is a required component. Please install the required binaries and "
        "re-run the setup.",
    ),
    (
        r"\Microsoft\UCMA\{902F4F35-D5DC-4363-8671-D5EF0D26C21D}",
        "UcmaRedistMsi",
        "This computer requires the Microsoft Unified Communications Managed API 4.0, Core Runtime 64-bit.",
    ),
)
URL_REWRITE = (
    r"\IIS Extensions\URL Rewrite",
    "IISURLRewriteNotInstalled",
    "IIS URL Rewrite Module is a required component. Please install the required binaries and re-run the setup.",
)


def find_missing_prerequisites(
    arguments: SetupArguments, release: ExchangeRelease, machine: SetupMachine, controller: str
) -> list[Refusal]:
    """All of them; `controller` is the domain controller that setup uses."""
    found = [*_check_windows(release, machine), *_check_account(arguments, release, machine, controller)]
    if arguments.installs:
        found += _check_server(release, machine, controller)
    return found


def _check_windows(release: ExchangeRelease, machine: SetupMachine) -> Iterator[Refusal]:
    for mark in machine.windows.get("pendingMarks", []):
        yield next(refusal for part, refusal in MARKS.items() if part in str(mark))
    installed = (machine.registry_key(NET_KEY) or {}).get("Release", 0)
    if installed < NEEDED_NET[release.name]:
        yield "DotNetVersion", f"This computer requires .NET Framework release {NEEDED_NET[release.name]} or later."
    if not machine.windows.get("features", {}).get("RSAT-ADDS"):
        yield "RsatAddsNotInstalled", _describe_feature("RSAT-ADDS")


def _check_account(
    arguments: SetupArguments, release: ExchangeRelease, machine: SetupMachine, controller: str
) -> Iterator[Refusal]:
    directory = machine.directory
    domain = machine.user.split("\\")[0].upper()
    if machine.logon != "password" or domain in (machine.name.upper(), "NT AUTHORITY"):
        yield "LoggedOntoDomain", "The current account isn't logged on to an Active Directory domain."
        return
    groups = directory.group_members(machine.user)
    behind = read_schema_version(machine, controller) < release.schema
    extends_schema = behind and bool({"prepareschema", "preparead"} & set(arguments.preparations))
    if extends_schema and not {"Schema Admins", "Enterprise Admins"} <= set(groups):
        yield (
            "SchemaUpdateRequired",
            "The Active Directory schema isn't up-to-date, and this user account isn't a member of the 'Schema Admins' "
            "and/or 'Enterprise Admins' groups.",
        )
    if arguments.preparations and "Enterprise Admins" not in groups:
        yield (
            "GlobalUpdateRequired",
            "Global updates need to be made to Active Directory, and this user account isn't a member of the "
            "'Enterprise Admins' group.",
        )
    if arguments.installs and not {"Organization Management", "Enterprise Admins"} & set(groups):
        yield (
            "GlobalServerInstall",
            "You must be a member of the 'Organization Management' role group or a member of the 'Enterprise Admins' "
            "group to continue.",
        )


def _check_server(release: ExchangeRelease, machine: SetupMachine, controller: str) -> Iterator[Refusal]:
    for role in find_interrupted_roles(machine):
        yield (
            "InstallWatermark",
            f"A Setup failure previously occurred while installing the {role} role. Either run Setup again for just "
            "this role, or remove the role using Control Panel.",
        )
    features = machine.windows.get("features", {})
    for name in sorted(release.features() - {name for name, installed in features.items() if installed}):
        yield f"{name.replace('-', '')}NotInstalled", _describe_feature(name)
    for part, rule, message in (*PACKAGES, *([URL_REWRITE] if release.needs_url_rewrite() else [])):
        if not machine.has_registry_key(part):
            yield rule, message
    directory = machine.directory
    site = directory.read()["controllers"][controller]["site"]
    if directory.site(machine.name) is None:
        yield "SiteNameNotFound", "The local computer doesn't belong to a valid Active Directory site."
    elif site != directory.site(machine.name):
        yield (
            "DomainControllerIsOutOfSite",
            f"The domain controller '{controller}' is in the site '{site}', which isn't the site of this computer.",
        )
    objects = directory.objects(controller)
    servers = directory.find(controller, "msExchExchangeServer")
    old = [dn for dn in servers if objects[dn]["serialNumber"][0].startswith("Version 15.0 ")]
    if release.is_newest and old:
        yield (
            "Exchange2013Present",
            "All Exchange 2013 servers in the organization must be removed before this version can be installed.",
        )


def find_interrupted_roles(machine: SetupMachine) -> list[str]:
    """The roles whose registry key has a Watermark or an Action."""
    start = f"{EXCHANGE_KEY}\\".lower()
    keys = machine.windows.get("registry", {})
    return [
        key[len(start) :] for key in keys if key.lower().startswith(start) and {"Watermark", "Action"} & set(keys[key])
    ]


def read_schema_version(machine: SetupMachine, controller: str) -> int:
    directory = machine.directory
    return int(directory.objects(controller).get(directory.schema_version_dn, {}).get("rangeUpper", 0))


def _describe_feature(name: str) -> str:
    where = "on this computer and needs to be installed before Setup can begin."
    return f"The Windows component {name} isn't installed {where}"
