"""Rules for the installation of Exchange."""

from __future__ import annotations

import json
from functools import cache
from urllib.parse import urlsplit

from components import powershell
from components.args import FarmArgs
from components.installation_args import InstallationArgs, MediaArgs
from stacks.problems import MISSING, UNREAD, Report, skip_unread

# Versions whose Setup can leave Extended Protection off (Microsoft: 2019 CU14 release notes).
WITH_EXTENDED_PROTECTION = ("2019", "SE")


def check_installed_servers(farm: FarmArgs, report: Report) -> None:
    if farm.installation is not None and not farm.installed_servers:
        remedy = (
            "installs nothing, because every server is an existing one or has configureNamespace: false. Remove it, or "
            "add a server without these keys."
        )
        report("installation", MISSING, remedy)


def check_machines_are_in_a_domain(farm: FarmArgs, report: Report) -> None:
    """A machine of the Marketplace's image is in no domain; one of an own image may join while it boots."""
    if farm.installation is not None and farm.domain is None and farm.image.id is None:
        remedy = (
            "is missing. Exchange is installed on members of a domain only. Write the domain; machines that are in it "
            "already stay as they are."
        )
        report("domain", MISSING, remedy)


def check_media(farm: FarmArgs, report: Report) -> None:
    if farm.installation is None:
        return
    media = farm.installation.media
    if (media.path is None) == (media.url is None):
        what = "has neither path nor url" if media.path is None else "has both path and url"
        report("installation.media", MISSING, f"{what}. Write one of them.")
        return
    if media.url and media.sha256 is None:
        remedy = "is missing. A download needs it: Get-FileHash shows the SHA-256 of an ISO file that you trust."
        report("installation.media.sha256", MISSING, remedy)
    if media.path and media.sha256 and not names_iso_file(media):
        remedy = f"is the SHA-256 of an ISO file, but path is {media.path}. Remove it, or write an ISO file's path."
        report("installation.media.sha256", media.sha256, remedy)


def names_iso_file(media: MediaArgs) -> bool:
    return (media.path or "").lower().endswith(".iso")


def check_downloads(farm: FarmArgs, report: Report) -> None:
    """A server gives a download the name at the end of its URL."""
    if farm.installation is None:
        return
    urls: dict[str, str | None] = {}
    with skip_unread():
        urls["installation.media.url"] = farm.installation.media.url
    with skip_unread():
        for name, package in farm.installation.packages.items():
            with skip_unread():
                urls[f"installation.packages.{name}.url"] = package.url
    for key, url in urls.items():
        if url and urlsplit(url).path.rpartition("/")[2] == "":
            report(key, url, "is not the URL of a file. Write the whole URL of the file to download.")


def check_roles(farm: FarmArgs, report: Report) -> None:
    roles = farm.installation.roles if farm.installation else ()
    if len(set(roles)) < len(roles):
        report("installation.roles", list(roles), "names a role twice. Write each role once.")
    elif farm.exchange_version != "2013":
        if roles not in ((), ("Mailbox",)):
            remedy = f"is wrong: Exchange {farm.exchange_version} has one role, Mailbox. Remove the key."
            report("installation.roles", list(roles), remedy)
    elif roles and "ClientAccess" not in roles:
        remedy = "lacks ClientAccess, without which a server answers no client. Add it."
        report("installation.roles", list(roles), remedy)


def check_organisation_name(farm: FarmArgs, report: Report) -> None:
    installation = farm.installation
    if installation and installation.organisation_name and not installation.prepare_active_directory:
        remedy = (
            "has no effect: only the preparation of Active Directory creates an organisation. "
            "Set prepareActiveDirectory: true, or remove it."
        )
        report("installation.organisationName", installation.organisation_name, remedy)


def check_extended_protection(farm: FarmArgs, report: Report) -> None:
    if farm.installation is None:
        return
    wanted, key = farm.installation.extended_protection, "installation.extendedProtection"
    if farm.exchange_version not in WITH_EXTENDED_PROTECTION:
        if not wanted:
            remedy = f"has no effect: Setup of Exchange {farm.exchange_version} never switches it on. Remove it."
            report(key, wanted, remedy)
    elif wanted and farm.namespace.services.outlook_anywhere.ssl_offloading:
        remedy = (
            "does not work with namespace.services.outlookAnywhere.sslOffloading: true: clients could not log on. "
            "Write false, or remove sslOffloading."
        )
        report(key, wanted, remedy)


def check_package_names(farm: FarmArgs, report: Report) -> None:
    installation: InstallationArgs | None = farm.installation
    for name, package in installation.packages.items() if installation else ():
        if package is not UNREAD and name not in package_names():
            remedy = f"is not a package that Exchange needs. Write one of {', '.join(package_names())}."
            report(f"installation.packages.{name}", MISSING, remedy)


@cache
def package_names() -> tuple[str, ...]:
    """The names that Install-ExchangeServer.ps1 knows."""
    table = json.loads((powershell.SCRIPTS / "prerequisites.json").read_text(encoding="utf-8"))
    return tuple(table["packages"])


RULES = (
    check_installed_servers,
    check_machines_are_in_a_domain,
    check_media,
    check_downloads,
    check_roles,
    check_organisation_name,
    check_extended_protection,
    check_package_names,
)
